// Euler and renoise here, UniPC in unipc.cc.
#include "sampling/solver.h"

#include <ATen/ATen.h>

#include "base/check.h"

namespace t3 {

Solver::Solver(const SamplingConfig& config, StepNoise noise)
    : schedule_(MakeSchedule(config)),
      scales_noise_(config.has_list() || config.sampler == Sampler::kRcm) {
  if (config.sampler == Sampler::kUniPC) unipc_.emplace(schedule_.sigmas);
  if (!AddsNoise(config.sampler)) return;
  T3_CHECK(noise != nullptr, "sampler {} adds noise after each step, and no source was given",
           SamplerName(config.sampler));
  noise_ = std::move(noise);
}

double Solver::timestep(int64_t i) const {
  T3_CHECK(i >= 0 && i < steps(), "step {} is out of range; the run has {}", i, steps());
  return schedule_.timesteps[static_cast<size_t>(i)];
}

at::Tensor Solver::Start(const at::Tensor& noise, const at::Tensor& clean) const {
  if (clean.defined()) return clean * (1 - sigma(0)) + noise * sigma(0);
  return scales_noise_ ? noise * sigma(0) : noise.clone();
}

at::Tensor Solver::Step(int64_t i, const at::Tensor& x, const at::Tensor& velocity) {
  T3_CHECK(i == next_step_ && i < steps(), "step {} is out of order; step {} of {} is next", i,
           next_step_, steps());
  T3_CHECK(x.sizes() == velocity.sizes(),
           "the latents have shape {}, the velocity {}; wanted equal shapes",
           fmt::join(x.sizes(), "x"), fmt::join(velocity.sizes(), "x"));
  ++next_step_;
  if (unipc_) return unipc_->Step(i, x, velocity).to(x.scalar_type());
  if (noise_) return Renoise(i, x, velocity).to(x.scalar_type());
  // The difference of two levels in fp32, as torch computes it.
  const float change = static_cast<float>(sigma(i + 1)) - static_cast<float>(sigma(i));
  return x + velocity * change;
}

// The predicted clean video, back at the next level with new noise.
at::Tensor Solver::Renoise(int64_t i, const at::Tensor& x, const at::Tensor& velocity) const {
  const at::Tensor clean = x.to(at::kFloat) - velocity.to(at::kFloat) * sigma(i);
  const double next = sigma(i + 1);
  if (next == 0) return clean;
  const at::Tensor noise = noise_(i);
  T3_CHECK(noise.sizes() == x.sizes(), "the latents have shape {}, the noise of step {} has {}",
           fmt::join(x.sizes(), "x"), i + 1, fmt::join(noise.sizes(), "x"));
  return clean * (1 - next) + noise.to(x.device(), at::kFloat) * next;
}

std::map<std::string, at::Tensor> Solver::State() const {
  return unipc_ ? unipc_->State() : std::map<std::string, at::Tensor>();
}

void Solver::Restore(int64_t next_step, const std::map<std::string, at::Tensor>& state) {
  T3_CHECK(next_step >= 0 && next_step <= steps(),
           "a run of {} steps cannot go on before step {}; the checkpoint is of another run",
           steps(), next_step);
  if (unipc_) unipc_->Restore(next_step, state);
  next_step_ = next_step;
}

}  // namespace t3
