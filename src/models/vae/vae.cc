// Normalisation, chunks and checks around encoder and decoder.
#include "models/vae/vae.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include <vector>

#include "base/check.h"
#include "models/vae/pixel_patch.h"

namespace t3 {
namespace {

at::Tensor PerChannel(const std::vector<double>& values, const at::TensorOptions& options) {
  return at::tensor(values).to(options.dtype(at::kFloat)).reshape({-1, 1, 1, 1});
}

at::TensorOptions WeightOptions(const TensorMap& tensors) {
  T3_CHECK(!tensors.empty(), "the VAE was given no tensors");
  const at::Tensor& any = tensors.begin()->second;
  return any.options().requires_grad(false);
}

// On a GPU, convolution weights in the layout that cuDNN needs, shared by the streaming and the
// differentiable networks. Weights that require gradients stay as they are.
TensorMap InConvolutionLayout(const TensorMap& tensors) {
  TensorMap laid_out = tensors;
  for (auto& [name, tensor] : laid_out) {
    if (tensor.is_cuda() && tensor.dim() == 5 && !tensor.requires_grad()) {
      tensor = tensor.contiguous(at::MemoryFormat::ChannelsLast3d);
    }
  }
  return laid_out;
}

// Results are at least float32; float64 models keep float64, for gradient checks.
at::Tensor AtLeastFloat(const at::Tensor& x) {
  return x.scalar_type() == at::kDouble ? x : x.to(at::kFloat);
}

// Rows of pixels of each call of the sink.
std::vector<RowRange> CallsOf(const VaeConfig& config, const DecodePlan& plan) {
  const int64_t more = plan.latent.t - 1;  // latent frames after the first pass
  const int64_t passes = 1 + (more + plan.latent_frames - 1) / plan.latent_frames;
  std::vector<RowRange> calls;
  const auto add = [&](const PlannedSlab& slab) {
    calls.push_back({config.patch() * slab.output.begin, config.patch() * slab.output.end});
  };
  if (plan.order == DecodeOrder::kSlabsOuter) {
    for (const PlannedSlab& slab : plan.slabs) {
      for (int64_t pass = 0; pass < passes; ++pass) add(slab);
    }
    return calls;
  }
  for (int64_t pass = 0; pass < passes; ++pass) {
    for (const PlannedSlab& slab : plan.slabs) add(slab);
  }
  return calls;
}

// Lets `f` work on (B,C,T,H,W) whether or not x has the batch dimension.
template <typename F>
at::Tensor WithBatch(const at::Tensor& x, F f) {
  return x.dim() == 5 ? f(x) : f(x.unsqueeze(0)).squeeze(0);
}

}  // namespace

Vae::Vae(const VaeConfig& config, const TensorMap& stored, const VaeLimits& limits)
    : config_(config),
      options_(WeightOptions(stored)),
      mean_(PerChannel(config.mean, options_)),
      std_(PerChannel(config.std, options_)),
      tensors_(InConvolutionLayout(stored)) {
  T3_CHECK(mean_.size(0) == config.latent_channels && std_.size(0) == config.latent_channels,
           "the VAE has {} latent channels but {} means and {} standard deviations",
           config.latent_channels, mean_.size(0), std_.size(0));
  const TensorMap& tensors = tensors_;
  if (tensors.contains("encoder.conv1.weight")) {
    encoder_.emplace(config, tensors, limits);
    to_moments_.emplace(tensors, "conv1", limits.slab_elements);
  }
  if (tensors.contains("decoder.conv1.weight")) {
    from_mu_.emplace(tensors, "conv2", limits.slab_elements);
    decoder_.emplace(config, tensors, limits);
  }
}

at::Tensor Vae::Prepare(const at::Tensor& x) const {
  const at::Tensor moved = x.to(options_);
  // cuDNN's convolutions are half again as fast on channels-last tensors, and layers keep the
  // layout of what they get.
  return options_.device().is_cuda() ? moved.contiguous(at::MemoryFormat::ChannelsLast3d) : moved;
}

void Vae::CheckLatents(const at::Tensor& latents) const {
  T3_CHECK(decoder_, "this VAE was loaded without its decoder");
  T3_CHECK((latents.dim() == 4 || latents.dim() == 5) &&
               latents.size(-4) == config_.latent_channels && latents.numel() > 0,
           "latents have shape {}; this VAE decodes ({},T,h,w)", latents.sizes().vec(),
           config_.latent_channels);
}

void Vae::CheckVideo(const at::Tensor& video) const {
  T3_CHECK(encoder_, "this VAE was loaded without its encoder");
  const int64_t stride = config_.spatial_stride();
  T3_CHECK((video.dim() == 4 || video.dim() == 5) && video.size(-4) == 3 && video.numel() > 0 &&
               video.size(-3) % VaeConfig::kTimeStride == 1 && video.size(-2) % stride == 0 &&
               video.size(-1) % stride == 0,
           "a video has shape {}; this VAE encodes (3,F,H,W) with F = 4n+1 and H and W multiples "
           "of {}",
           video.sizes().vec(), stride);
}

at::Tensor Vae::DecodeChunk(const at::Tensor& mu, Decoder::State& state) const {
  const at::Tensor packed = (*decoder_)((*from_mu_)(Prepare(mu)), state);
  return AtLeastFloat(config_.patch() == 2 ? UnpackPixels(packed) : packed);
}

at::Tensor Vae::EncodeChunk(const at::Tensor& video, Encoder::State& state) const {
  const at::Tensor packed = config_.patch() == 2 ? PackPixels(video) : video;
  return AtLeastFloat((*to_moments_)((*encoder_)(Prepare(packed), state)));
}

void Vae::DecodeRows(const at::Tensor& latents, const DecodePlan& plan, const RowSink& sink,
                     const PollFn& poll) const {
  CheckLatents(latents);
  T3_CHECK(latents.dim() == 4, "Decode takes one video at a time");
  const at::Tensor mu = latents.to(options_.device(), at::kFloat).mul(std_).add(mean_);
  StreamDecoder(config_, tensors_).Run(mu.to(options_), plan, sink, poll);
}

PlannedDecode Vae::PlanFor(const Grid& latent, int64_t budget) const {
  return Planned(PlanDecode(config_, latent, element_bytes(), budget));
}

std::optional<PlannedDecode> Vae::PlanPart(const Grid& latent, int64_t budget, int64_t part,
                                           int64_t parts) const {
  if (parts > latent.h) return std::nullopt;
  return Planned(PlanDecodePart(config_, latent, element_bytes(), budget, part, parts));
}

PlannedDecode Vae::Planned(const DecodePlan& plan) const {
  return {plan.order,
          plan.memory.total,
          DescribeDecodePlan(plan),
          [this, plan](const at::Tensor& latents, const RowSink& sink, const PollFn& poll) {
            DecodeRows(latents, plan, sink, poll);
          },
          {},
          CallsOf(config_, plan)};
}

void Vae::DecodeReference(const at::Tensor& latents,
                          const std::function<void(const at::Tensor& frames)>& sink) const {
  CheckLatents(latents);
  T3_CHECK(latents.dim() == 4, "Decode takes one video at a time");
  const at::Tensor mu = latents.to(options_.device(), at::kFloat).mul(std_).add(mean_).unsqueeze(0);
  Decoder::State state = decoder_->NewState();
  for (int64_t t = 0; t < mu.size(2); ++t) {
    const at::Tensor frames = DecodeChunk(mu.narrow(2, t, 1), state);
    sink(frames.clamp(-1, 1).squeeze(0).contiguous());
  }
}

at::Tensor Vae::Encode(const at::Tensor& video) const {
  CheckVideo(video);
  T3_CHECK(video.dim() == 4, "Encode takes one video at a time");
  Encoder::State state = encoder_->NewState();
  std::vector<at::Tensor> means;
  for (int64_t begin = 0; begin < video.size(1);) {
    const int64_t count = begin == 0 ? 1 : VaeConfig::kTimeStride;
    const at::Tensor moments = EncodeChunk(video.narrow(1, begin, count).unsqueeze(0), state);
    means.push_back(moments.narrow(1, 0, config_.latent_channels));
    begin += count;
  }
  return at::cat(means, 2).squeeze(0).sub(mean_).div(std_);
}

at::Tensor Vae::EncodeFrom(const EncodePlan& plan, const FrameSource& source, const PollFn& poll,
                           const RowGather& gather) const {
  T3_CHECK(encoder_, "this VAE was loaded without its encoder");
  const at::Tensor moments = StreamEncoder(config_, tensors_).Run(plan, source, poll, gather);
  return moments.narrow(0, 0, config_.latent_channels).sub(mean_).div(std_);
}

at::Tensor Vae::EncodeMoments(const at::Tensor& video) const {
  CheckVideo(video);
  return WithBatch(video, [&](const at::Tensor& x) {
    Encoder::State state = encoder_->NewState();
    return EncodeChunk(x, state);
  });
}

at::Tensor Vae::DecodeUnclamped(const at::Tensor& mu) const {
  CheckLatents(mu);
  return WithBatch(mu, [&](const at::Tensor& x) {
    Decoder::State state = decoder_->NewState();
    return DecodeChunk(x, state);
  });
}

}  // namespace t3
