// From noise to latents, step by step. Independent of the model: the caller evaluates the velocity.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "config/sampling_config.h"
#include "sampling/schedule.h"
#include "sampling/unipc.h"

namespace t3 {

// The noise that a step adds, in the shape of the latents; any device and floating dtype. The same
// step has the same noise every time, so that a resumed run equals one that was not interrupted.
using StepNoise = std::function<at::Tensor(int64_t step)>;

// x = Start(noise); for i in 0..steps()-1: x = Step(i, x, velocity of x at timestep(i)); x is then
// the latents.
class Solver {
 public:
  // `noise` is called for samplers that add noise (AddsNoise), before every level but 0. Throws
  // what MakeSchedule throws, and Error where such a sampler gets no `noise`.
  explicit Solver(const SamplingConfig& config, StepNoise noise = {});

  int64_t steps() const { return static_cast<int64_t>(schedule_.timesteps.size()); }
  // In (0, 1000].
  double timestep(int64_t i) const;
  // Noise level before step i: with velocity v of latents x, the clean video is x - sigma(i) * v.
  double sigma(int64_t i) const { return schedule_.sigmas[static_cast<size_t>(i)]; }

  // The latents before step 0, a new tensor in the dtype of `noise`: (1 - s) * clean + s * noise
  // with s = sigma(0). Without `clean`, s * noise where the levels are a list, and the noise itself
  // where they come from steps and shift: those start at 1 (UniPC's just below), and the published
  // code does not scale.
  at::Tensor Start(const at::Tensor& noise, const at::Tensor& clean = {}) const;

  // x and velocity of equal shape -> new latents in the dtype of x. Euler computes in that dtype,
  // as the published T3 code does; the others in fp32. Neither argument is modified or stored.
  // Throws Error unless i is the next step.
  at::Tensor Step(int64_t i, const at::Tensor& x, const at::Tensor& velocity);

  int64_t next_step() const { return next_step_; }
  // What Step needs of earlier steps, fp32 on the latents' device, valid until the next Step. A
  // checkpoint needs this, x and next_step().
  std::map<std::string, at::Tensor> State() const;
  // Continues before step `next_step` from a saved state with tensors on the latents' device.
  // Throws Error when the state is incomplete.
  void Restore(int64_t next_step, const std::map<std::string, at::Tensor>& state);

 private:
  at::Tensor Renoise(int64_t i, const at::Tensor& x, const at::Tensor& velocity) const;

  Schedule schedule_;
  bool scales_noise_;
  std::optional<UniPc> unipc_;  // of kUniPC
  StepNoise noise_;             // of samplers that add noise
  int64_t next_step_ = 0;
};

}  // namespace t3
