// The causal video VAE, versions 2.1 and 2.2.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>

#include "config/model_config.h"
#include "models/decoder/video_decoder.h"
#include "models/vae/decoder.h"
#include "models/vae/encoder.h"
#include "models/vae/limits.h"
#include "models/vae/stream_decoder.h"
#include "models/vae/stream_encoder.h"
#include "nn/causal_conv3d.h"
#include "nn/tensor_map.h"

namespace t3 {

// Works on the device and in the dtype of its weights; inputs of any float dtype and device are
// converted. "Model space" is that of the DiT: latents normalised by the configuration's mean and
// std. Encode, EncodeMoments and DecodeUnclamped are differentiable; for inference hold a
// NoGradGuard. Wrong shapes throw Error.
class Vae : public VideoDecoder {
 public:
  // Original names: encoder.*, conv1 (both or neither), decoder.*, conv2 (both or neither).
  Vae(const VaeConfig& config, const TensorMap& stored, const VaeLimits& limits = {});

  PlannedDecode PlanFor(const Grid& latent, int64_t budget) const override;
  std::optional<PlannedDecode> PlanPart(const Grid& latent, int64_t budget, int64_t part,
                                        int64_t parts) const override;
  int64_t spatial_stride() const override { return config_.spatial_stride(); }
  void CheckLatents(const at::Tensor& latents) const override;
  // The reference for Decode: whole frames, one latent frame at a time, libtorch operators only.
  // Calls `sink` once for every latent frame with its frames, 1 for the first and 4 for the others.
  void DecodeReference(const at::Tensor& latents,
                       const std::function<void(const at::Tensor& frames)>& sink) const;
  // The same by a plan for these latents: rows in the plan's order (models/vae/stream_decoder.h).
  void DecodeRows(const at::Tensor& latents, const DecodePlan& plan, const RowSink& sink,
                  const PollFn& poll = {}) const;

  // video (3,F,H,W) in [-1,1], F = 4n+1, H and W multiples of the stride -> latents (z,n+1,h,w) in
  // model space, the posterior's mean, float32. The reference: whole frames, four at a time.
  at::Tensor Encode(const at::Tensor& video) const;
  // The same by a plan for the video's size; frames need not be in memory together. `gather` as in
  // models/vae/stream_encoder.h.
  at::Tensor EncodeFrom(const EncodePlan& plan, const FrameSource& source, const PollFn& poll = {},
                        const RowGather& gather = {}) const;

  // For training, the whole sequence in one pass, with an optional batch dimension in front.
  // Weights in float64 give float64. video (3,F,H,W) -> mean and log variance (2z,T,h,w), not
  // normalised, float32.
  at::Tensor EncodeMoments(const at::Tensor& video) const;
  // mu (z,T,h,w), not normalised -> frames (3,F,H,W), not clamped, float32.
  at::Tensor DecodeUnclamped(const at::Tensor& mu) const;

  const VaeConfig& config() const { return config_; }
  // Bytes of an element of weights and feature maps.
  int64_t element_bytes() const { return static_cast<int64_t>(options_.dtype().itemsize()); }

 private:
  PlannedDecode Planned(const DecodePlan& plan) const;
  // On the device, in the dtype and memory layout of the layers.
  at::Tensor Prepare(const at::Tensor& x) const;
  // video (B,3,F,H,W), the next frames -> (B,2z,T,h,w).
  at::Tensor EncodeChunk(const at::Tensor& video, Encoder::State& state) const;
  // mu (B,z,T,h,w), the next latent frames -> (B,3,n,H,W).
  at::Tensor DecodeChunk(const at::Tensor& mu, Decoder::State& state) const;
  void CheckVideo(const at::Tensor& video) const;

  VaeConfig config_;
  at::TensorOptions options_;  // device and dtype of the weights
  at::Tensor mean_;            // (z,1,1,1) float32
  at::Tensor std_;
  // The differentiable networks. The streaming ones are built for every video: they store sums and
  // casts of weights, which training changes.
  TensorMap tensors_;
  std::optional<Encoder> encoder_;
  std::optional<CausalConv3d> to_moments_;  // conv1
  std::optional<CausalConv3d> from_mu_;     // conv2
  std::optional<Decoder> decoder_;
};

}  // namespace t3
