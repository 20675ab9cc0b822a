// Passes of frames over slabs of rows, in either order.
#include "models/vae/stream_decoder.h"

#include <ATen/ops/clamp.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>

#include "ops/profiler.h"

namespace t3 {
namespace {

// Calls f(first latent frame, number of latent frames): one frame first, then as many as the plan
// has per pass.
template <typename F>
void ForEachPass(const DecodePlan& plan, F f) {
  for (int64_t begin = 0; begin < plan.latent.t;) {
    const int64_t frames = begin == 0 ? 1 : std::min(plan.latent_frames, plan.latent.t - begin);
    f(begin, frames);
    begin += frames;
  }
}

// The first decoded frame of a latent one.
int64_t FrameOf(int64_t latent) {
  return std::max<int64_t>(VaeConfig::kTimeStride * latent - 3, 0);
}

}  // namespace

StreamDecoder::StreamDecoder(const VaeConfig& config, const TensorMap& tensors)
    : patch_(config.patch()),
      from_mu_weight_(GetTensor(tensors, "conv2.weight").detach().flatten(1)),
      from_mu_bias_(GetTensor(tensors, "conv2.bias").detach()),
      input_(tensors, "decoder.conv1"),
      middle_(tensors, "decoder.middle"),
      head_gamma_(NormGamma(tensors, "decoder.head.0")),
      head_(tensors, "decoder.head.2", PaddedChannels(PixelChannels(config))) {
  for (const VaeLevel& arch : DecoderLevels(config)) levels_.emplace_back(tensors, arch);
}

void StreamDecoder::Run(const at::Tensor& mu, const DecodePlan& plan, const RowSink& sink,
                        const PollFn& poll) const {
  const c10::NoGradGuard no_grad;
  T3_CHECK(
      mu.size(1) == plan.latent.t && mu.size(2) == plan.latent.h && mu.size(3) == plan.latent.w,
      "latents ({}) do not fit the plan for {}x{}x{}", fmt::join(mu.sizes(), ", "), plan.latent.t,
      plan.latent.h, plan.latent.w);
  plan.order == DecodeOrder::kFramesOuter ? FramesOuter(mu, plan, sink, poll)
                                          : SlabsOuter(mu, plan, sink, poll);
}

void StreamDecoder::FramesOuter(const at::Tensor& mu, const DecodePlan& plan, const RowSink& sink,
                                const PollFn& poll) const {
  MiddleState middle;
  SlabState whole(plan.whole.levels.size());
  std::vector<SlabState> slabs;
  for (const PlannedSlab& slab : plan.slabs) slabs.emplace_back(slab.levels.size());
  ForEachPass(plan, [&](int64_t begin, int64_t count) {
    const MapRows x =
        RunSlab(Middle(mu.narrow(1, begin, count), plan, middle, poll), plan.whole, whole, poll);
    for (size_t i = 0; i < slabs.size(); ++i) {
      const MapRows head = RunSlab(x, plan.slabs[i], slabs[i], poll);
      sink({Pixels(head.map), FrameOf(begin), patch_ * head.rows.begin});
    }
  });
}

void StreamDecoder::SlabsOuter(const at::Tensor& mu, const DecodePlan& plan, const RowSink& sink,
                               const PollFn& poll) const {
  MapRows buffered{{}, plan.whole.input, plan.latent.h};
  {
    MiddleState middle;
    ForEachPass(plan, [&](int64_t begin, int64_t count) {
      const at::Tensor x = Middle(mu.narrow(1, begin, count), plan, middle, poll).map;
      if (begin == 0) {
        buffered.map = at::empty({plan.latent.t, x.size(1), x.size(2), x.size(3)}, x.options());
      }
      buffered.map.narrow(0, begin, count).copy_(x);
    });
  }
  for (const PlannedSlab& slab : plan.slabs) {
    SlabState state(slab.levels.size());
    ForEachPass(plan, [&](int64_t begin, int64_t count) {
      const MapRows x{buffered.map.narrow(0, begin, count), buffered.rows, buffered.height};
      const MapRows head = RunSlab(x, slab, state, poll);
      sink({Pixels(head.map), FrameOf(begin), patch_ * head.rows.begin});
    });
  }
}

MapRows StreamDecoder::Middle(const at::Tensor& mu, const DecodePlan& plan, MiddleState& state,
                              const PollFn& poll) const {
  const int64_t height = plan.latent.h;
  const RowRange all{0, height};
  const at::Tensor z =
      at::linear(mu.permute({1, 2, 3, 0}).contiguous(), from_mu_weight_, from_mu_bias_);
  MapRows x =
      input_({z, all, height}, {.bias = {}, .gamma = {}, .silu = false}, all, state.input, poll);
  x.map.add_(input_.bias().to(x.map.scalar_type()));
  return middle_(std::move(x), plan.whole.input, plan.score_bytes, state.middle, poll);
}

MapRows StreamDecoder::RunLevel(MapRows x, const PlannedLevel& plan, LevelState& state,
                                const PollFn& poll) const {
  const Level& level = levels_.at(static_cast<size_t>(plan.arch.index));
  const MapRows input = plan.arch.shortcut ? x : MapRows{};
  for (size_t i = 0; i < level.blocks.size(); ++i) {
    x = level.blocks[i](std::move(x), plan.blocks[i], state.blocks[i], poll);
  }
  if (level.resampler)
    return (*level.resampler)(std::move(x), input, plan.output, state.resampler, poll);
  return head_(std::move(x), {.bias = {}, .gamma = head_gamma_, .silu = true}, plan.output,
               state.head, poll);
}

MapRows StreamDecoder::RunSlab(const MapRows& x, const PlannedSlab& slab, SlabState& state,
                               const PollFn& poll) const {
  MapRows y = x.Part(slab.input);
  for (size_t i = 0; i < slab.levels.size(); ++i) {
    y = RunLevel(std::move(y), slab.levels[i], state[i], poll);
  }
  return y;
}

at::Tensor StreamDecoder::Pixels(const at::Tensor& head) const {
  const ProfileScope scope("pixels");
  const int64_t channels = 3 * patch_ * patch_;
  const at::Tensor values =
      head.narrow(3, 0, channels).to(at::kFloat) + head_.bias().narrow(0, 0, channels);
  // Channel (c*p + r)*p + q is the pixel of row offset q and column offset r of its block.
  return values
      .unflatten(3, {3, patch_, patch_})  // n,H,W,c,r,q
      .permute({3, 0, 1, 5, 2, 4})
      .flatten(4, 5)
      .flatten(2, 3)
      .contiguous()
      .clamp_(-1, 1);
}

}  // namespace t3
