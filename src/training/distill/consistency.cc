// The teacher's step, the target after it, and the student's loss before it.
#include "training/distill/consistency.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "base/check.h"
#include "sampling/schedule.h"
#include "training/distill/captioned_dit.h"
#include "training/distill/score.h"

namespace t3 {
namespace {

// Those of a schedule that are not above the level at which a sample starts.
std::vector<double> LevelsOf(const DistillConfig& config) {
  const ConsistencyConfig& consistency = config.consistency;
  std::vector<double> levels =
      MakeSchedule(
          {.sampler = Sampler::kEuler, .steps = consistency.levels, .shift = consistency.shift})
          .sigmas;
  const double start = MakeSchedule(config.sampling).sigmas.front() + 0.5 / kMaxTimestep;
  std::erase_if(levels, [&](double level) { return level > start; });
  T3_CHECK(levels.size() >= 2, "\"consistency\": none of the {} levels is below {}",
           consistency.levels, start);
  return levels;
}

at::Tensor Column(const std::vector<double>& levels, at::Device device) {
  return at::tensor(levels, at::kFloat).to(device).view({-1, 1, 1, 1, 1});
}

}  // namespace

ConsistencyObjective::ConsistencyObjective(DistillNetworks& networks)
    : networks_(networks), levels_(LevelsOf(networks.config)) {
  for (const auto& [name, leaf] : networks.student.leaves()) {
    target_[name] = leaf.detach().clone();
  }
}

// Latents of level 0 are the clip itself.
at::Tensor ConsistencyObjective::Target(const at::Tensor& next, const std::vector<double>& levels,
                                        const DistillBatch& batch) {
  const c10::NoGradGuard no_grad;
  const Dit dit = networks_.student.Model(target_);
  std::vector<double> timesteps;
  for (const double level : levels) timesteps.push_back(kMaxTimestep * level);
  const at::Tensor velocity =
      CaptionedDit(dit, batch.texts).Velocity(next, timesteps, networks_.attention.For(next));
  return next - Column(levels, next.device()) * velocity;
}

MicroBatchResult ConsistencyObjective::ForwardBackward(int64_t step, int64_t micro, double scale) {
  const StepRandom random = networks_.RandomOf(step, micro);
  DistillBatch batch = networks_.Get(step, micro);
  std::vector<double> levels, next_levels;
  for (int64_t i = 0; i < batch.latents.size(0); ++i) {
    const auto index =
        static_cast<size_t>(random.Integer(Draw::kScoreLevel, i, std::ssize(levels_) - 1));
    levels.push_back(levels_[index]);
    next_levels.push_back(levels_[index + 1]);
  }
  const ScoredBatch noisy = NoisyAt(
      batch.latents, random.Normal(Draw::kNoise, batch.latents.sizes(), networks_.device), levels);
  const at::Tensor guided = networks_.teacher.Guided(noisy.noisy, noisy.timesteps,
                                                     networks_.teacher.Prepare(batch.texts));
  const at::Tensor next =
      noisy.noisy + (Column(next_levels, networks_.device) - noisy.levels) * guided;
  const at::Tensor target = Target(next, next_levels, batch);
  // Recomputed segments use both again in the backward pass.
  const Dit student = networks_.student.Model(networks_.student.leaves());
  const CaptionedDit captioned(student, batch.texts);
  const at::Tensor velocity = captioned.Velocity(
      noisy.noisy, noisy.timesteps, networks_.attention.For(noisy.noisy), networks_.runners);
  const at::Tensor loss = (Predicted(noisy, velocity) - target).square().mean();
  (loss * scale).backward();
  return {loss.detach(), std::move(batch.items)};
}

void ConsistencyObjective::AfterStep(int64_t /*step*/) {
  const c10::NoGradGuard no_grad;
  const double share = 1 - networks_.config.consistency.target_ema;
  for (const auto& [name, leaf] : networks_.student.leaves()) {
    target_.at(name).lerp_(leaf.detach(), share);
  }
}

void ConsistencyObjective::Restore(const TensorMap& state, int64_t /*steps*/) {
  for (const auto& [name, tensor] : target_) tensor.copy_(GetTensor(state, name));
}

}  // namespace t3
