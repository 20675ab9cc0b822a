// The decoder that follows a plan: any order, any slabs, the same result.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <functional>
#include <vector>

#include "config/model_config.h"
#include "models/decoder/video_decoder.h"
#include "models/vae/level_layers.h"
#include "models/vae/stream_block.h"
#include "models/vae/stream_middle.h"
#include "models/vae/stream_upsample.h"
#include "plan/decode_plan.h"

namespace t3 {

// Decoder (models/vae/decoder.h) for inference: channels-last maps, fused elementwise work, rows
// and frames in the plan's order. Not differentiable.
class StreamDecoder {
 public:
  // Takes "decoder.*" and "conv2.*".
  StreamDecoder(const VaeConfig& config, const TensorMap& tensors);

  // mu (z,T,h,w), not normalised, on the device and in the dtype of the weights; T, h, w as in the
  // plan. `sink` gets every row of every frame once: with kFramesOuter frame by frame, slab by slab
  // within a pass; with kSlabsOuter slab by slab, each through all frames. Of a plan of some rows
  // `sink` gets these. `poll` may be empty. An
  // exception from either stops the run.
  void Run(const at::Tensor& mu, const DecodePlan& plan, const RowSink& sink,
           const PollFn& poll) const;

 private:
  struct MiddleState {
    StreamCache input;
    StreamMiddle::State middle;
  };
  struct LevelState {
    std::array<StreamBlock::State, kVaeDecoderBlocks> blocks;
    StreamUpsample::State resampler;
    StreamCache head;
  };
  using SlabState = std::vector<LevelState>;
  using Level = LevelLayers<StreamBlock, StreamUpsample>;

  // The next frames of mu (z,n,h,w) -> the output of the middle block, the rows that the plan
  // reads.
  MapRows Middle(const at::Tensor& mu, const DecodePlan& plan, MiddleState& state,
                 const PollFn& poll) const;
  MapRows RunLevel(MapRows x, const PlannedLevel& plan, LevelState& state,
                   const PollFn& poll) const;
  // All levels of a slab; x holds at least its input rows.
  MapRows RunSlab(const MapRows& x, const PlannedSlab& slab, SlabState& state,
                  const PollFn& poll) const;
  // The head's output (n,rows,columns,channels) -> pixels.
  at::Tensor Pixels(const at::Tensor& head) const;
  void FramesOuter(const at::Tensor& mu, const DecodePlan& plan, const RowSink& sink,
                   const PollFn& poll) const;
  void SlabsOuter(const at::Tensor& mu, const DecodePlan& plan, const RowSink& sink,
                  const PollFn& poll) const;

  int64_t patch_;
  at::Tensor from_mu_weight_;  // conv2: (z,z) and (z)
  at::Tensor from_mu_bias_;
  StreamConv input_;
  StreamMiddle middle_;
  std::vector<Level> levels_;
  at::Tensor head_gamma_;
  StreamConv head_;
};

}  // namespace t3
