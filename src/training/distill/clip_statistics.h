// What a distillation tends to change first: colours, contrast, motion and detail of clips.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "training/loop/best_model.h"

namespace t3 {

// Means over some clips, fp64 on the CPU.
struct ClipStatistics {
  at::Tensor mean, contrast;  // (C): mean and standard deviation of each channel within a clip
  double motion = 0;          // mean |difference of neighbouring frames|; 0 for single frames
  double detail = 0;          // mean |x - its 3x3 mean|
  double teacher_loss = 0;    // flow loss of the teacher on the clips, set by who has the teacher

  // All as one tensor (2C + 3), and back.
  at::Tensor Pack() const;
  static ClipStatistics Unpack(const at::Tensor& packed);
};

// clips: each (C,T,H,W), latents or frames. teacher_loss is 0.
ClipStatistics MeasureClips(const std::vector<at::Tensor>& clips);

// `gate_color`: mean over channels of the difference of means, in units of the teacher's contrast.
// `gate_contrast`, `gate_motion`, `gate_detail`, `gate_teacher_loss`: ratios, 1 is equal. The score
// is the sum of gate_color and of the ratios' absolute logarithms. Each averaged over the batches.
GateResult CompareClips(const std::vector<ClipStatistics>& student,
                        const std::vector<ClipStatistics>& teacher);

}  // namespace t3
