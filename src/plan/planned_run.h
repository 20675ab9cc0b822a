// What decides the memory of a run.
#pragma once

#include <cstdint>
#include <optional>

#include "config/attention.h"
#include "config/model_config.h"
#include "plan/geometry.h"
#include "plan/rank_split.h"

namespace t3 {

struct PlannedRun {
  DitConfig dit;
  VaeConfig vae;
  std::optional<DecoderConfig> decoder;   // absent: the VAE's
  std::optional<TaehvConfig> preview;     // decodes previews between steps
  std::optional<TextEncoderConfig> text;  // absent: embeddings are given, no encoder is loaded
  AttentionPattern attention = AttentionPattern::kFull;
  WindowCycle windows;  // ignored by kFull
  VideoGeometry video;
  // What is denoised at once, where a long clip has several segments; absent: the whole video.
  std::optional<VideoGeometry> segment;
  int64_t element_bytes = 2;  // of the dtype of the arithmetic: bf16 2, fp32 4
  // Of the dtype in which large weights are stored, if it is narrower; else 0. Layers then convert
  // them when they run.
  int64_t dit_stored_bytes = 0;
  int64_t text_stored_bytes = 0;
  bool text_fp8 = false;  // the text encoder's matrices are e4m3 codes, which its layers convert
  bool dit_fp8 = false;   // the denoiser multiplies e4m3 codes
  bool dit_bf16 = false;  // of fp8, it is also there in bf16, for some of the steps
  bool on_gpu = true;
  bool two_branches = true;  // guidance other than 1
  // Latent frames that are encoded first: 0, 1 of an image, or a window of a source clip.
  int64_t encoded_frames = 0;
  int64_t encoder_bytes = 4;  // of an element of the encoder's weights and maps
  int64_t videos = 1;  // denoised together, in a forward of a batch where it is more than one
  RankSplit split;     // of the ranks that share the run; memory is counted for one
  int64_t device_budget = 0;  // bytes that a stage may take, weights included; 0: no limit
};

// The sizes that the denoiser works on.
inline const VideoGeometry& DenoisedVideo(const PlannedRun& run) {
  return run.segment ? *run.segment : run.video;
}

}  // namespace t3
