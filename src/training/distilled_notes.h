// What may not be meant where a training starts from a model that was distilled.
#pragma once

#include <string>
#include <vector>

#include "loading/model_info.h"
#include "training/distill/distill_config.h"
#include "training/distill/teacher.h"
#include "training/dit/dit_config.h"

namespace t3 {

// That the task dit undoes the distillation of its base.
std::vector<std::string> DistilledNotes(const DitTrainConfig& config, const ModelInfo& base);

// That the teacher of a distillation is a student of few steps itself.
std::vector<std::string> DistilledNotes(const DistillConfig& config, const TeacherModel& teacher);

}  // namespace t3
