// Euler here, UniPC in unipc.cc.
#include "sampling/solver.h"

#include <ATen/ATen.h>

#include "base/check.h"

namespace t3 {

Solver::Solver(const SamplingConfig& config)
    : schedule_(MakeSchedule(config.sampler, config.steps, config.shift)) {
  if (config.sampler == Sampler::kUniPC) unipc_.emplace(schedule_.sigmas);
}

double Solver::timestep(int64_t i) const {
  T3_CHECK(i >= 0 && i < steps(), "step {} is out of range; the run has {}", i, steps());
  return schedule_.timesteps[static_cast<size_t>(i)];
}

at::Tensor Solver::Step(int64_t i, const at::Tensor& x, const at::Tensor& velocity) {
  T3_CHECK(i == next_step_ && i < steps(), "step {} is out of order; step {} of {} is next", i,
           next_step_, steps());
  T3_CHECK(x.sizes() == velocity.sizes(),
           "the latents have shape {}, the velocity {}; wanted equal shapes",
           fmt::join(x.sizes(), "x"), fmt::join(velocity.sizes(), "x"));
  ++next_step_;
  if (unipc_) return unipc_->Step(i, x, velocity).to(x.scalar_type());
  const auto level = static_cast<size_t>(i);
  // The difference of two levels in fp32, as torch computes it.
  const float change =
      static_cast<float>(schedule_.sigmas[level + 1]) - static_cast<float>(schedule_.sigmas[level]);
  return x + velocity * change;
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
