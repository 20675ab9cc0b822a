// Makes the teacher's schedule begin at a level.
#include "training/distill/teacher_sampling.h"

namespace t3 {

SamplingConfig TeacherSampling(const TeacherModel& teacher, int64_t steps, double level) {
  SamplingConfig sampling = teacher.model.defaults.sampling;
  if (!sampling.has_list() && sampling.sampler != Sampler::kRcm) sampling.sampler = Sampler::kEuler;
  if (steps > 0 && !sampling.has_list()) sampling.steps = steps;
  sampling.strength = level < 1 ? UnshiftedLevel(level, sampling.shift) : 1;
  return sampling;
}

}  // namespace t3
