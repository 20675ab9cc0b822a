// How a teacher is sampled from the level at which a student starts.
#pragma once

#include "config/sampling_config.h"
#include "training/distill/teacher.h"

namespace t3 {

// `steps` of the teacher's whole schedule, 0 for its own number, by Euler; those below `level`. Its
// levels are the shifted ones, or a distilled teacher's own list.
SamplingConfig TeacherSampling(const TeacherModel& teacher, int64_t steps, double level);

}  // namespace t3
