// Critic updates, then the student's.
#include "training/distill/dmd.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "training/distill/captioned_dit.h"
#include "training/distill/score.h"
#include "training/distill/teacher_sampling.h"

namespace t3 {
DmdObjective::DmdObjective(DistillNetworks& networks) : networks_(networks), critic_(networks) {}

// The diversity loss trains the first step by itself.
int64_t DmdObjective::TruncationOf(const StepRandom& random) const {
  const int64_t first = networks_.config.diversity.weight > 0 ? 1 : 0;
  const int64_t steps = networks_.config.sampling.list_length();
  return first + random.Integer(Draw::kTruncation, 0, steps - first);
}

Critic::Example DmdObjective::CriticExample(const Dit& student, int64_t step, int64_t micro) {
  const c10::NoGradGuard no_grad;
  const StepRandom random = networks_.RandomOf(step, micro);
  DistillBatch batch = networks_.Get(step, micro);
  const CaptionedDit captioned(student, batch.texts);
  const at::Tensor samples =
      PredictAfter(TruncationOf(random), networks_.config.sampling,
                   networks_.StartOf(batch, random), networks_.VelocityOf(captioned));
  return {samples, std::move(batch.texts), random};
}

// Micro batches of the critic follow those of the student in number, so that they draw others.
void DmdObjective::BeforeStep(int64_t step) {
  const DistillConfig& config = networks_.config;
  std::optional<Dit> student;
  {
    const c10::NoGradGuard no_grad;
    student.emplace(networks_.student.Model(networks_.student.leaves()));
  }
  double loss = 0, norm = 0;
  const auto updates = static_cast<double>(config.critic.updates);
  for (int64_t update = 0; update < config.critic.updates; ++update) {
    critic_.Update(step, [&](int64_t micro) {
      return CriticExample(*student, step, (1 + update) * config.accumulation + micro);
    });
    loss += critic_.loss() / updates;
    norm += critic_.gradient_norm() / updates;
  }
  values_ = {{"critic_loss", loss}, {"critic_gradient_norm", norm}};
}

at::Tensor DmdObjective::Gradient(const at::Tensor& samples, const DistillBatch& batch,
                                  const GuidedTeacher::Texts& texts, const StepRandom& random) {
  const c10::NoGradGuard no_grad;
  const ScoredBatch noisy = AddScoreNoise(samples, networks_.config.score, random);
  const at::Tensor teacher =
      Predicted(noisy, networks_.teacher.Guided(noisy.noisy, noisy.timesteps, texts));
  const at::Tensor critic =
      Predicted(noisy, critic_.Velocity(noisy.noisy, noisy.timesteps, batch.texts));
  return DmdGradient(samples, critic, teacher);
}

// The velocity of the straight line from the start through a point of the teacher's trajectory.
at::Tensor DmdObjective::DiversityLoss(const DistillBatch& batch, const RolloutStart& start,
                                       const GuidedTeacher::Texts& texts,
                                       const VelocityFn& student) {
  const DiversityConfig& diversity = networks_.config.diversity;
  const Solver first(networks_.config.sampling, start.renoise);
  const SamplingConfig sampling =
      TeacherSampling(networks_.teacher_model, diversity.teacher_steps, first.sigma(0));
  const int64_t anchor_step =
      std::max<int64_t>(1, StepCount(sampling) * diversity.anchor_step / diversity.teacher_steps);
  const at::Tensor anchor =
      LatentsBefore(anchor_step, sampling, start, [&](const at::Tensor& x, double timestep) {
        return networks_.teacher.Guided(x, batch.At(timestep), texts);
      });
  const at::Tensor x = first.Start(start.noise, start.clean);
  const double fall = first.sigma(0) - Solver(sampling, start.renoise).sigma(anchor_step);
  return (student(x, first.timestep(0)) - (x - anchor) / fall).square().mean();
}

MicroBatchResult DmdObjective::ForwardBackward(int64_t step, int64_t micro, double scale) {
  const DistillConfig& config = networks_.config;
  const StepRandom random = networks_.RandomOf(step, micro);
  DistillBatch batch = networks_.Get(step, micro);
  const RolloutStart start = networks_.StartOf(batch, random);
  // Recomputed segments use both again in the backward pass.
  const Dit student = networks_.student.Model(networks_.student.leaves());
  const CaptionedDit captioned(student, batch.texts);
  const VelocityFn velocity = networks_.VelocityOf(captioned);
  const at::Tensor samples = PredictAfter(TruncationOf(random), config.sampling, start, velocity);
  const GuidedTeacher::Texts texts = networks_.teacher.Prepare(batch.texts);
  at::Tensor loss = DmdLoss(samples, Gradient(samples.detach(), batch, texts, random));
  if (config.diversity.weight > 0) {
    const at::Tensor diversity = DiversityLoss(batch, start, texts, velocity);
    if (micro == 0) values_["diversity_loss"] = 0;
    values_["diversity_loss"] += scale * diversity.item<double>();
    loss = loss + config.diversity.weight * diversity;
  }
  (loss * scale).backward();
  return {loss.detach().to(at::kFloat), std::move(batch.items)};
}

void DmdObjective::AfterStep(int64_t /*step*/) {
  const auto diversity = values_.find("diversity_loss");
  if (diversity != values_.end()) diversity->second = networks_.share->SumOf(diversity->second);
  const double share = networks_.config.critic.toward_student;
  if (share > 0) critic_.MoveToward(networks_.student.leaves(), share);
}

void DmdObjective::Restore(const TensorMap& state, int64_t steps) {
  critic_.Restore(state, steps * networks_.config.critic.updates);
}

}  // namespace t3
