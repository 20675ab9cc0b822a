// Drives the solver.
#include "training/distill/rollout.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace t3 {

at::Tensor LatentsBefore(int64_t step, const SamplingConfig& sampling, const RolloutStart& start,
                         const VelocityFn& velocity) {
  const c10::NoGradGuard no_grad;
  Solver solver(sampling, start.renoise);
  at::Tensor x = solver.Start(start.noise, start.clean);
  for (int64_t i = 0; i < step; ++i) x = solver.Step(i, x, velocity(x, solver.timestep(i)));
  return x;
}

at::Tensor PredictAfter(int64_t step, const SamplingConfig& sampling, const RolloutStart& start,
                        const VelocityFn& velocity) {
  const at::Tensor x = LatentsBefore(step, sampling, start, velocity);
  const Solver solver(sampling, start.renoise);
  return x - velocity(x, solver.timestep(step)) * solver.sigma(step);
}

at::Tensor SampleLatentsOf(const SamplingConfig& sampling, const RolloutStart& start,
                           const VelocityFn& velocity) {
  return LatentsBefore(Solver(sampling, start.renoise).steps(), sampling, start, velocity);
}

}  // namespace t3
