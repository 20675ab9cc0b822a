// TAEHV: a small decoder for the latents of a larger VAE, a few frames at a time.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <memory>

#include "models/decoder/video_decoder.h"
#include "models/taehv/block.h"
#include "models/taehv/upsample.h"
#include "nn/tensor_map.h"
#include "plan/taehv_plan.h"

namespace t3 {

// Works on the device and in the dtype of its weights, on channels-last maps. For inference. Any
// plan gives the same result; on a CPU the same bits.
class Taehv : public VideoDecoder {
 public:
  // Original names; takes decoder.*.
  Taehv(const TaehvConfig& config, const TensorMap& tensors);

  PlannedDecode PlanFor(const Grid& latent, int64_t budget) const override;
  int64_t spatial_stride() const override { return config_.spatial_stride(); }
  void CheckLatents(const at::Tensor& latents) const override;

  // latents (z,T,h,w) in model space, T, h, w as in the plan.
  void DecodeRows(const at::Tensor& latents, const TaehvPlan& plan, const RowSink& sink,
                  const PollFn& poll = {}) const;

  const TaehvConfig& config() const { return config_; }
  int64_t element_bytes() const { return static_cast<int64_t>(options_.dtype().itemsize()); }

 private:
  struct Stage {
    std::array<std::unique_ptr<TaehvBlock>, kTaehvBlocks> blocks;
    std::unique_ptr<TaehvUpsample> up;
  };
  // The last input frame of every block, (1,R,W,C): what the next pass reads as the frame before.
  using Caches = std::array<std::array<at::Tensor, kTaehvBlocks>, kTaehvStages>;
  using Stages = std::array<TaehvStageShapes, kTaehvStages>;

  Caches NewCaches(const Stages& shapes) const;
  // A block's input, whose first frame is `cache` and whose others are not yet written.
  static at::Tensor NewInput(const TaehvStageShapes& shapes, const at::Tensor& cache);
  // mu (z,T,h,w) -> the input of the first stage.
  at::Tensor FirstInput(const at::Tensor& mu, const TaehvStageShapes& shapes,
                        const at::Tensor& cache, const PollFn& poll) const;
  // The blocks of a stage: their input -> (T,R,W,C).
  at::Tensor RunBlocks(size_t index, at::Tensor input, const TaehvStageShapes& shapes,
                       Caches& caches, const PollFn& poll) const;
  // The last stage's upsampler and what follows, for x (T,R,W,C) whose first frame becomes frame
  // `first` and others of the decoder's, those that are cut included.
  void Tail(const at::Tensor& x, int64_t first, const TaehvStageShapes& shapes,
            const TaehvPlan& plan, const RowSink& sink, const PollFn& poll) const;
  // Rows of one frame of the last stage's output, with zeros beyond the frame's edges.
  at::Tensor TailInput(const at::Tensor& x, int64_t copy, const TaehvTailShapes& shapes,
                       int64_t height, const PollFn& poll) const;
  // (1,rows,columns,padded) -> (3,1,h,W) in [-1,1].
  at::Tensor Pixels(const at::Tensor& packed) const;

  TaehvConfig config_;
  at::TensorOptions options_;  // device and dtype of the weights
  at::Tensor mean_;            // (z,1,1,1) fp32, or undefined: latents are taken as they are
  at::Tensor std_;
  at::Tensor input_weight_;
  at::Tensor input_bias_;  // kPlain
  std::array<Stage, kTaehvStages> stages_;
  at::Tensor output_weight_;  // output channels padded
  at::Tensor output_bias_;    // not padded, fp32
};

}  // namespace t3
