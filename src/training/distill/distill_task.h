// The task "distill": a student of few steps and no guidance.
#pragma once

#include <memory>
#include <string>

#include "training/distill/gates.h"
#include "training/distill/networks.h"
#include "training/distill/objective.h"
#include "training/loop/task.h"

namespace t3 {

// How the student is sampled: config.sampling, or after guidance distillation as its base without
// guidance.
SamplingConfig StudentSampling(const DistillConfig& config, const ModelInfo& base);

// What Task::Identity gives; `data`: BatchSource::Digest.
nlohmann::json DistillIdentity(const DistillConfig& config, const ModelInfo& base,
                               const TeacherModel& teacher, const std::string& data);

// Leaves: the student's, by the original names or those of InitLora.
class DistillTask : public Task {
 public:
  // Loads the weights; throws Error as loading does. `dtype`: of the computation.
  DistillTask(const DistillConfig& config, const ModelInfo& base, const TeacherModel& teacher,
              std::unique_ptr<BatchSource> source, at::ScalarType dtype, const RunContext& context);

  const TensorMap& leaves() const override { return networks_.student.leaves(); }
  MicroBatchResult ForwardBackward(int64_t step, int64_t micro, double scale) override {
    return objective_->ForwardBackward(step, micro, scale);
  }
  void BeforeStep(int64_t step) override { objective_->BeforeStep(step); }
  void AfterStep(int64_t step) override { objective_->AfterStep(step); }
  bool ShareWith(const StepShare& share) override {
    networks_.share = &share;
    return true;
  }
  StepValues Values() const override { return objective_->Values(); }
  bool MayDiverge() const override { return objective_->MayDiverge(); }
  TensorMap State() const override;
  void Restore(const TensorMap& state, int64_t steps) override;
  // The denoiser's files say how it is sampled (kSamplingKey).
  void SaveModel(const TensorMap& weights, const std::string& folder) const override;
  nlohmann::json Identity() const override;

  // For TrainHooks::gate.
  GateResult Gate(const TensorMap& weights) { return gates_.Measure(weights); }
  DistillNetworks& networks() { return networks_; }

 private:
  DistillNetworks networks_;
  SamplingConfig sampling_;
  std::unique_ptr<DistillObjective> objective_;
  DistillGates gates_;
};

}  // namespace t3
