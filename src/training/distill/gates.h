// Samples of a student against those of its teacher.
#pragma once

#include <memory>
#include <vector>

#include "models/decoder/video_decoder.h"
#include "training/distill/clip_statistics.h"
#include "training/distill/networks.h"

namespace t3 {

// The same captions and noise every time, for both.
class DistillGates {
 public:
  // `sampling`: the student's. Loads the decoder where frames are compared.
  DistillGates(DistillNetworks& networks, const SamplingConfig& sampling,
               const RunContext& context);

  // The student with `weights` (by the names of TrainedDit::leaves). The teacher's samples are made
  // the first time.
  GateResult Measure(const TensorMap& weights);

  // The teacher's statistics, (batches, n) fp64, undefined before the first Measure.
  at::Tensor State() const { return teacher_; }
  void Restore(const at::Tensor& state) { teacher_ = state; }

 private:
  struct Clips {
    DistillBatch batch;
    RolloutStart start;
    GuidedTeacher::Texts texts;  // of the teacher
  };
  Clips Get(int64_t index);
  // Samples (B,z,T,h,w) fp32.
  at::Tensor TeacherSamples(const Clips& clips);
  at::Tensor StudentSamples(const Clips& clips, const TensorMap& weights);
  ClipStatistics StatisticsOf(const at::Tensor& samples, const Clips& clips);
  double TeacherLoss(const at::Tensor& samples, const Clips& clips);

  DistillNetworks& networks_;
  SamplingConfig sampling_;
  const RunContext& context_;
  std::unique_ptr<VideoDecoder> decoder_;
  at::Tensor teacher_;
};

}  // namespace t3
