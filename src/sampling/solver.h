// From noise to latents, step by step. Independent of the model: the caller evaluates the velocity.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "config/sampling_config.h"
#include "sampling/schedule.h"
#include "sampling/unipc.h"

namespace t3 {

// for i in 0..steps()-1: x = Step(i, x, velocity of x at timestep(i)); x is then the latents.
class Solver {
 public:
  // Throws what MakeSchedule throws.
  explicit Solver(const SamplingConfig& config);

  int64_t steps() const { return static_cast<int64_t>(schedule_.timesteps.size()); }
  // In (0, 1000].
  double timestep(int64_t i) const;
  // Noise level before step i: with velocity v of latents x, the clean video is x - sigma(i) * v.
  double sigma(int64_t i) const { return schedule_.sigmas[static_cast<size_t>(i)]; }

  // x and velocity of equal shape -> new latents in the dtype of x. Euler computes in that dtype,
  // as the published T3 code does; UniPC in fp32, as Wan does. Neither argument is modified or
  // stored. Throws Error unless i is the next step.
  at::Tensor Step(int64_t i, const at::Tensor& x, const at::Tensor& velocity);

  int64_t next_step() const { return next_step_; }
  // What Step needs of earlier steps, fp32 on the latents' device, valid until the next Step. A
  // checkpoint needs this, x and next_step().
  std::map<std::string, at::Tensor> State() const;
  // Continues before step `next_step` from a saved state with tensors on the latents' device.
  // Throws Error when the state is incomplete.
  void Restore(int64_t next_step, const std::map<std::string, at::Tensor>& state);

 private:
  Schedule schedule_;
  std::optional<UniPc> unipc_;  // absent: Euler
  int64_t next_step_ = 0;
};

}  // namespace t3
