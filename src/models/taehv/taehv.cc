// Passes of latent frames through the stages.
#include "models/taehv/taehv.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "models/taehv/convolve.h"
#include "ops/conv/convolution.h"
#include "ops/feature_map/bias_relu.h"
#include "ops/profiler.h"

namespace t3 {
namespace {

at::Tensor Statistic(const std::vector<double>& values, const at::TensorOptions& options) {
  if (values.empty()) return {};
  return at::tensor(values).to(options.dtype(at::kFloat)).reshape({-1, 1, 1, 1});
}

}  // namespace

Taehv::Taehv(const TaehvConfig& config, const TensorMap& tensors) : config_(config) {
  const TaehvDecoder arch = TaehvDecoderOf(config);
  options_ = GetTensor(tensors, arch.output + ".weight").options().requires_grad(false);
  mean_ = Statistic(config.mean, options_);
  std_ = Statistic(config.std, options_);
  input_weight_ = MapWeight(tensors, arch.input);
  if (config.blocks == TaehvBlocks::kPlain) input_bias_ = MapBias(tensors, arch.input);
  for (size_t i = 0; i < stages_.size(); ++i) {
    const TaehvStage& stage = arch.stages[i];
    for (size_t block = 0; block < stage.blocks.size(); ++block) {
      stages_[i].blocks[block] = MakeTaehvBlock(config.blocks, tensors, stage.blocks[block]);
    }
    stages_[i].up = MakeTaehvUpsample(config.blocks, tensors, stage);
  }
  output_weight_ = MapWeight(tensors, arch.output);
  const int64_t missing = PaddedChannels(output_weight_.size(0)) - output_weight_.size(0);
  output_weight_ = InMapLayout(
      at::constant_pad_nd(output_weight_, at::IntArrayRef{0, 0, 0, 0, 0, 0, 0, 0, 0, missing}));
  output_bias_ = MapBias(tensors, arch.output);
}

void Taehv::CheckLatents(const at::Tensor& latents) const {
  T3_CHECK(latents.dim() == 4 && latents.size(0) == config_.latent_channels && latents.numel() > 0,
           "latents have shape ({}); this TAEHV decodes ({},T,h,w)",
           fmt::join(latents.sizes(), ","), config_.latent_channels);
}

PlannedDecode Taehv::PlanFor(const Grid& latent, int64_t budget) const {
  const TaehvPlan plan = PlanTaehv(config_, latent, element_bytes(), budget);
  return {DecodeOrder::kFramesOuter, plan.memory.total, "TAEHV, " + DescribeTaehvPlan(plan),
          [this, plan](const at::Tensor& latents, const RowSink& sink, const PollFn& poll) {
            DecodeRows(latents, plan, sink, poll);
          }};
}

void Taehv::DecodeRows(const at::Tensor& latents, const TaehvPlan& plan, const RowSink& sink,
                       const PollFn& poll) const {
  const c10::NoGradGuard no_grad;
  CheckLatents(latents);
  T3_CHECK(latents.size(1) == plan.latent.t && latents.size(2) == plan.latent.h &&
               latents.size(3) == plan.latent.w,
           "latents ({}) do not fit the plan for {}x{}x{}", fmt::join(latents.sizes(), ", "),
           plan.latent.t, plan.latent.h, plan.latent.w);
  at::Tensor mu = latents.to(options_.device(), at::kFloat);
  if (mean_.defined()) mu = mu.mul(std_).add(mean_);
  Caches caches = NewCaches(TaehvStagesOf(config_, plan.latent, 1));
  for (int64_t begin = 0; begin < plan.latent.t; begin += plan.latent_frames) {
    const int64_t count = std::min(plan.latent_frames, plan.latent.t - begin);
    const Stages shapes = TaehvStagesOf(config_, plan.latent, count);
    at::Tensor input = FirstInput(mu.narrow(1, begin, count), shapes[0], caches[0][0], poll);
    for (size_t i = 0; i + 1 < stages_.size(); ++i) {
      const at::Tensor x = RunBlocks(i, std::exchange(input, {}), shapes[i], caches, poll);
      input = NewInput(shapes[i + 1], caches[i + 1][0]);
      const TaehvUpShapes up = shapes[i].Up({0, 2 * shapes[i].rows});
      const int64_t factor = shapes[i].arch.time_factor;
      for (int64_t t = 0; t < shapes[i].frames_out(); ++t) {
        (*stages_[i].up)(x.narrow(0, t / factor, 1), t % factor, up, input.narrow(0, 1 + t, 1),
                         poll);
      }
    }
    const size_t last = stages_.size() - 1;
    const at::Tensor x = RunBlocks(last, std::exchange(input, {}), shapes[last], caches, poll);
    Tail(x, VaeConfig::kTimeStride * begin, shapes[last], plan, sink, poll);
  }
}

Taehv::Caches Taehv::NewCaches(const Stages& shapes) const {
  Caches caches;
  for (size_t i = 0; i < caches.size(); ++i) {
    for (at::Tensor& cache : caches[i]) cache = at::zeros(shapes[i].Cache(), options_);
  }
  return caches;
}

at::Tensor Taehv::NewInput(const TaehvStageShapes& shapes, const at::Tensor& cache) {
  const at::Tensor input = at::empty(shapes.Input(), cache.options());
  input.narrow(0, 0, 1).copy_(cache);
  return input;
}

at::Tensor Taehv::FirstInput(const at::Tensor& mu, const TaehvStageShapes& shapes,
                             const at::Tensor& cache, const PollFn& poll) const {
  const bool plain = config_.blocks == TaehvBlocks::kPlain;
  // Larger latents than the network was made for saturate.
  const at::Tensor z = (plain ? at::tanh(mu / 3).mul_(3) : mu).to(options_);
  const at::Tensor y = ConvolveMaps(z.permute({1, 2, 3, 0}).contiguous(), input_weight_, poll);
  const at::Tensor input = NewInput(shapes, cache);
  const at::Tensor frames = input.narrow(0, 1, shapes.frames);
  if (plain) {
    BiasRelu(y, input_bias_, {}, frames);
  } else {
    frames.copy_(y);
  }
  return input;
}

at::Tensor Taehv::RunBlocks(size_t index, at::Tensor input, const TaehvStageShapes& shapes,
                            Caches& caches, const PollFn& poll) const {
  for (size_t block = 0; block < kTaehvBlocks; ++block) {
    const bool last = block + 1 == kTaehvBlocks;
    at::Tensor next;
    (*stages_[index].blocks[block])(
        input,
        [&] {
          next = last ? at::empty(shapes.Output(), options_)
                      : NewInput(shapes, caches[index][block + 1]);
          return last ? next : next.narrow(0, 1, shapes.frames);
        },
        poll);
    caches[index][block].copy_(input.narrow(0, shapes.frames, 1));
    input = std::move(next);
  }
  return input;
}

void Taehv::Tail(const at::Tensor& x, int64_t first, const TaehvStageShapes& shapes,
                 const TaehvPlan& plan, const RowSink& sink, const PollFn& poll) const {
  const int64_t height = 2 * shapes.rows;
  for (int64_t t = 0; t < shapes.frames_out(); ++t) {
    const int64_t frame = first + t - kTaehvTrimmed;
    if (frame < 0) continue;
    for (int64_t row = 0; row < height; row += plan.band_rows) {
      const TaehvTailShapes band =
          TaehvTailOf(config_, shapes, {row, std::min(row + plan.band_rows, height)});
      at::Tensor packed;
      {
        const at::Tensor source = x.narrow(0, t / shapes.arch.time_factor, 1);
        const at::Tensor input = TailInput(source, t % shapes.arch.time_factor, band, height, poll);
        const ProfileScope scope("last convolution");
        packed = Convolution(input, output_weight_, {.column_padding = 1});
      }
      sink({Pixels(packed), frame, config_.patch * row});
      if (poll) poll();
    }
  }
}

at::Tensor Taehv::TailInput(const at::Tensor& x, int64_t copy, const TaehvTailShapes& shapes,
                            int64_t height, const PollFn& poll) const {
  const at::Tensor input = at::empty(shapes.Input(), options_);
  const int64_t above = shapes.up.output.begin - (shapes.output.begin - 1);  // rows that x has not
  const at::Tensor rows = input.narrow(1, above, shapes.up.output.size());
  (*stages_.back().up)(x.narrow(1, shapes.up.source.begin, shapes.up.source.size()), copy,
                       shapes.up, rows, poll);
  if (config_.blocks == TaehvBlocks::kPlain) BiasRelu(rows, {}, {}, rows);
  if (above > 0) input.narrow(1, 0, 1).zero_();
  if (shapes.output.end == height) input.narrow(1, shapes.Input()[1] - 1, 1).zero_();
  return input;
}

at::Tensor Taehv::Pixels(const at::Tensor& packed) const {
  const ProfileScope scope("pixels");
  const int64_t channels = output_bias_.size(0);
  const at::Tensor values = packed.narrow(3, 0, channels).to(at::kFloat) + output_bias_;
  // Channel (c*p + r)*p + q is the pixel of row offset r and column offset q of its block.
  return values
      .unflatten(3, {3, config_.patch, config_.patch})  // n,H,W,c,r,q
      .permute({3, 0, 1, 4, 2, 5})
      .flatten(4, 5)
      .flatten(2, 3)
      .contiguous()
      .mul_(2)
      .sub_(1)
      .clamp_(-1, 1);
}

}  // namespace t3
