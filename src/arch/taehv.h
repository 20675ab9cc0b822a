// Tensors of TAEHV: names, shapes, order of the layers, and the sizes that they imply.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "arch/naming.h"
#include "arch/tensor_spec.h"
#include "config/model_config.h"

namespace t3 {

inline constexpr int64_t kTaehvBlocks = 3;  // per stage

// One stage of the decoder: blocks, then a layer that doubles rows and columns and makes
// `time_factor` frames of each.
struct TaehvStage {
  int64_t channels = 0;     // of the blocks
  int64_t out = 0;          // channels of the stage's output
  int64_t time_factor = 1;  // 1 or 2
  std::array<std::string, kTaehvBlocks> blocks;
  std::string conv;    // 3x3; kSuper: gives the four pixels that one becomes
  std::string grow;    // 1x1 without bias; kPlain: before `conv`, kSuper: after it
  int64_t grown = 0;   // input channels of `grow`
  int64_t growth = 0;  // frames that `grow` makes of one in the file, at least time_factor
  bool operator==(const TaehvStage&) const = default;
};

// The layers in the order in which the decoder runs.
struct TaehvDecoder {
  std::string input;
  std::array<TaehvStage, kTaehvStages> stages;
  std::string output;
};
TaehvDecoder TaehvDecoderOf(const TaehvConfig& config);

// Decoded frames before the first one of the video, which are cut: a first latent frame stands for
// one frame, and the network makes four of each.
inline constexpr int64_t kTaehvTrimmed = 3;

// The tensors of the decoder, which are all that decoding reads.
TensorTable TaehvDecoderTensors(const TaehvConfig& config);
// Those of the whole file: with the encoder's, where it has one.
TensorTable TaehvTensors(const TaehvConfig& config);

const Naming& TaehvNaming();

bool LooksLikeTaehv(const NamedViews& views);

// Sizes from the tensors. Statistics of the latents from the metadata t3.latents_mean and
// t3.latents_std; else, for the files that are called lighttae*, which take latents that are not
// normalised, the published ones; else none. Throws Error where a tensor that implies a size is
// missing or impossible.
TaehvConfig ReadTaehvConfig(const NamedViews& views);

// Metadata from which ReadTaehvConfig reads the statistics back.
Metadata TaehvMetadata(const TaehvConfig& config);

// The model whose latents a published file of this name decodes, if it is none that t3 runs:
// taehv.pth has the shapes of taew2_1.pth. Else "".
std::string ForeignTaehv(const std::string& path);

}  // namespace t3
