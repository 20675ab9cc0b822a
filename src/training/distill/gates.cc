// Samples both networks and measures what they made.
#include "training/distill/gates.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "loading/load_models.h"
#include "training/distill/captioned_dit.h"
#include "training/distill/score.h"
#include "training/distill/teacher_sampling.h"

namespace t3 {
namespace {

constexpr int64_t kFirstTurn = int64_t{1} << 40;    // steps that no run reaches
constexpr double kLevels[] = {0.2, 0.4, 0.6, 0.8};  // of the teacher's loss, before the limits

}  // namespace

DistillGates::DistillGates(DistillNetworks& networks, const SamplingConfig& sampling,
                           const RunContext& context)
    : networks_(networks), sampling_(sampling), context_(context) {
  if (!networks.config.gates.decoded) return;
  CheckDecoder(networks.model);
  decoder_ = LoadDecoder(networks.model, networks.dtype, context);
}

DistillGates::Clips DistillGates::Get(int64_t index) {
  DistillBatch batch = networks_.Get(kFirstTurn + index, 0);
  RolloutStart start = networks_.StartOf(batch, networks_.RandomOf(kFirstTurn + index, 0));
  GuidedTeacher::Texts texts = networks_.teacher.Prepare(batch.texts);
  return {std::move(batch), std::move(start), std::move(texts)};
}

at::Tensor DistillGates::TeacherSamples(const Clips& clips) {
  const double level = Solver(sampling_, clips.start.renoise).sigma(0);
  return SampleLatentsOf(
      TeacherSampling(networks_.teacher_model, networks_.config.gates.teacher_steps, level),
      clips.start, [&](const at::Tensor& x, double timestep) {
        context_.CheckCancelled();
        return networks_.teacher.Guided(x, clips.batch.At(timestep), clips.texts);
      });
}

at::Tensor DistillGates::StudentSamples(const Clips& clips, const TensorMap& weights) {
  const Dit dit = networks_.student.Model(weights);
  const CaptionedDit captioned(dit, clips.batch.texts);
  return SampleLatentsOf(sampling_, clips.start, networks_.VelocityOf(captioned));
}

// At fixed levels and noise, without guidance.
double DistillGates::TeacherLoss(const at::Tensor& samples, const Clips& clips) {
  double sum = 0;
  const ScoreConfig& limits = networks_.config.score;
  for (size_t i = 0; i < std::size(kLevels); ++i) {
    const double level = limits.min + (limits.max - limits.min) * kLevels[i];
    const at::Tensor noise =
        networks_.RandomOf(kFirstTurn, 1)
            .Normal(Draw::kScoreNoise, samples.sizes(), samples.device(), static_cast<int64_t>(i));
    const ScoredBatch batch =
        NoisyAt(samples, noise, std::vector<double>(static_cast<size_t>(samples.size(0)), level));
    sum += CriticLoss(batch, samples,
                      networks_.teacher.WithoutGuidance(batch.noisy, batch.timesteps, clips.texts))
               .item<double>();
  }
  return sum / static_cast<double>(std::size(kLevels));
}

ClipStatistics DistillGates::StatisticsOf(const at::Tensor& samples, const Clips& clips) {
  std::vector<at::Tensor> measured = samples.unbind();
  if (decoder_) {
    for (at::Tensor& clip : measured) {
      context_.CheckCancelled();
      clip = decoder_->Decode(clip);
    }
  }
  ClipStatistics statistics = MeasureClips(measured);
  statistics.teacher_loss = TeacherLoss(samples, clips);
  return statistics;
}

GateResult DistillGates::Measure(const TensorMap& weights) {
  const c10::NoGradGuard no_grad;
  std::vector<ClipStatistics> student, teacher;
  std::vector<at::Tensor> packed;
  for (int64_t i = 0; i < networks_.config.gates.batches; ++i) {
    const Clips clips = Get(i);
    packed.push_back(teacher_.defined() ? teacher_[i]
                                        : StatisticsOf(TeacherSamples(clips), clips).Pack());
    teacher.push_back(ClipStatistics::Unpack(packed.back()));
    student.push_back(StatisticsOf(StudentSamples(clips, weights), clips));
  }
  teacher_ = at::stack(packed);
  return CompareClips(student, teacher);
}

}  // namespace t3
