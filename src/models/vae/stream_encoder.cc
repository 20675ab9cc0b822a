// Slabs of rows through all frames, then the middle block on whole frames.
#include "models/vae/stream_encoder.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>

#include "models/vae/pixel_patch.h"
#include "models/vae/shortcut.h"

namespace t3 {
namespace {

// (T,R,W,C) -> (1,C,T,R,W), a view; and back.
at::Tensor AsVideo(const at::Tensor& map) { return map.unsqueeze(0).permute({0, 4, 1, 2, 3}); }
at::Tensor AsMap(const at::Tensor& video) {
  return video.squeeze(0).permute({1, 2, 3, 0}).contiguous();
}

}  // namespace

StreamEncoder::StreamEncoder(const VaeConfig& config, const TensorMap& tensors)
    : patch_(config.patch()),
      options_(GetTensor(tensors, "encoder.conv1.weight").options().requires_grad(false)),
      input_(tensors, "encoder.conv1"),
      middle_(tensors, "encoder.middle"),
      head_gamma_(NormGamma(tensors, "encoder.head.0")),
      head_(tensors, "encoder.head.2"),
      to_moments_weight_(GetTensor(tensors, "conv1.weight").detach().flatten(1)),
      to_moments_bias_(GetTensor(tensors, "conv1.bias").detach()) {
  for (const VaeLevel& arch : EncoderLevels(config)) levels_.emplace_back(tensors, arch);
}

at::Tensor StreamEncoder::Run(const EncodePlan& plan, const FrameSource& source, const PollFn& poll,
                              const RowGather& gather) const {
  const c10::NoGradGuard no_grad;
  const Grid& latent = plan.latent;
  at::Tensor buffered = at::empty(
      {latent.t, plan.part.size(), latent.w, plan.slabs.front().levels.back().arch.out}, options_);
  for (const EncoderSlab& slab : plan.slabs) RunSlab(plan, slab, source, buffered, poll);
  if (gather) buffered = gather(buffered);
  at::Tensor moments = Moments(plan, buffered, poll);
  if (gather) moments = gather(moments);
  return moments.permute({3, 0, 1, 2}).contiguous();
}

at::Tensor StreamEncoder::Moments(const EncodePlan& plan, const at::Tensor& buffered,
                                  const PollFn& poll) const {
  const Grid& latent = plan.latent;
  const RowRange all{0, latent.h};
  const RowRange read = plan.part.Grown(1, latent.h);  // by the head
  StreamMiddle::State middle;
  StreamCache head;
  std::vector<at::Tensor> moments;
  for (int64_t t = 0; t < latent.t; ++t) {
    MapRows x =
        middle_({buffered.narrow(0, t, 1), all, latent.h}, read, plan.score_bytes, middle, poll);
    x = head_(std::move(x), {.bias = {}, .gamma = head_gamma_, .silu = true}, plan.part, head,
              poll);
    x.map.add_(head_.bias().to(x.map.scalar_type()));
    moments.push_back(at::linear(x.map, to_moments_weight_, to_moments_bias_).to(at::kFloat));
  }
  return at::cat(moments);
}

void StreamEncoder::RunSlab(const EncodePlan& plan, const EncoderSlab& slab,
                            const FrameSource& source, const at::Tensor& buffered,
                            const PollFn& poll) const {
  StreamCache input;
  std::vector<LevelState> states(levels_.size());
  for (int64_t t = 0; t < plan.latent.t; ++t) {
    const int64_t count = t == 0 ? 1 : VaeConfig::kTimeStride;
    const at::Tensor frames = source(t == 0 ? 0 : VaeConfig::kTimeStride * t - 3, count);
    T3_CHECK(frames.dim() == 4 && frames.size(0) == 3 && frames.size(1) == count &&
                 frames.size(2) == patch_ * slab.levels.front().map.height &&
                 frames.size(3) == patch_ * slab.levels.front().map.columns,
             "frames ({}) do not fit the plan for {} of {}x{} pixels",
             fmt::join(frames.sizes(), ", "), count, patch_ * slab.levels.front().map.columns,
             patch_ * slab.levels.front().map.height);
    MapRows x = RunFirstLevel(frames, slab, input, states.front(), poll);
    for (size_t i = 1; i < levels_.size(); ++i) {
      x = RunLevel(std::move(x), slab.levels[i], states[i], poll);
    }
    buffered.narrow(0, t, 1)
        .narrow(1, slab.output.begin - plan.part.begin, slab.output.size())
        .copy_(x.map);
  }
}

MapRows StreamEncoder::RunFirstLevel(const at::Tensor& frames, const EncoderSlab& slab,
                                     StreamCache& input, LevelState& state,
                                     const PollFn& poll) const {
  const PlannedEncoderLevel& level = slab.levels.front();
  const auto run = [&](const at::Tensor& some) {
    MapRows x = input_(Pixels(some, slab), {.bias = {}, .gamma = {}, .silu = false}, level.input,
                       input, poll);
    x.map.add_(input_.bias().to(x.map.scalar_type()));
    return RunLevel(std::move(x), level, state, poll);
  };
  const int64_t count = frames.size(1);
  if (count <= level.map.frames) return run(frames);
  MapShape shape = level.Downsampler().Halved();
  shape[0] = count;
  const at::Tensor all = at::empty(shape, options_);
  for (int64_t frame = 0; frame < count; frame += level.map.frames) {
    all.narrow(0, frame, level.map.frames)
        .copy_(run(frames.narrow(1, frame, level.map.frames)).map);
  }
  return {all, level.output, level.map.height / 2};
}

MapRows StreamEncoder::Pixels(const at::Tensor& frames, const EncoderSlab& slab) const {
  const at::Tensor rows =
      frames.narrow(2, patch_ * slab.pixels.begin, patch_ * slab.pixels.size()).to(options_);
  const at::Tensor video = rows.unsqueeze(0);
  return {AsMap(patch_ == 2 ? PackPixels(video) : video), slab.pixels,
          slab.levels.front().map.height};
}

MapRows StreamEncoder::RunLevel(MapRows x, const PlannedEncoderLevel& plan, LevelState& state,
                                const PollFn& poll) const {
  const Level& level = levels_[static_cast<size_t>(plan.arch.index)];
  const MapRows input = plan.arch.shortcut ? x : MapRows{};
  const bool first = !state.resampler.started;
  for (size_t i = 0; i < level.blocks.size(); ++i) {
    x = level.blocks[i](std::move(x), plan.blocks[i], state.blocks[i], poll);
  }
  if (level.resampler) x = (*level.resampler)(std::move(x), plan.output, state.resampler, poll);
  if (!plan.arch.shortcut) return x;
  const int64_t space = plan.arch.space_factor, time = plan.arch.time_factor;
  const RowRange read{space * plan.output.begin, space * plan.output.end};
  x.map.add_(AsMap(AverageDown(AsVideo(input.Part(read).map), x.map.size(3), time, space, first)));
  return x;
}

}  // namespace t3
