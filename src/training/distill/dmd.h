// Distribution matching distillation with a critic, without a GAN.
#pragma once

#include "training/distill/critic.h"
#include "training/distill/objective.h"

namespace t3 {

// A step updates the critic config.critic.updates times on samples of the student, then the student
// once. A sample ends after a random number of the student's steps; its last step has gradients.
class DmdObjective : public DistillObjective {
 public:
  explicit DmdObjective(DistillNetworks& networks);

  void BeforeStep(int64_t step) override;
  MicroBatchResult ForwardBackward(int64_t step, int64_t micro, double scale) override;
  void AfterStep(int64_t step) override;
  StepValues Values() const override { return values_; }
  bool MayDiverge() const override { return critic_.MayDiverge(); }
  TensorMap State() const override { return critic_.State(); }
  void Restore(const TensorMap& state, int64_t steps) override;

 private:
  Critic::Example CriticExample(const Dit& student, int64_t step, int64_t micro);
  int64_t TruncationOf(const StepRandom& random) const;
  // Of a sample, with the teacher's and the critic's judgement of it.
  at::Tensor Gradient(const at::Tensor& samples, const DistillBatch& batch,
                      const GuidedTeacher::Texts& texts, const StepRandom& random);
  at::Tensor DiversityLoss(const DistillBatch& batch, const RolloutStart& start,
                           const GuidedTeacher::Texts& texts, const VelocityFn& student);

  DistillNetworks& networks_;
  Critic critic_;
  StepValues values_;
};

}  // namespace t3
