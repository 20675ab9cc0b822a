// The clips of a training of a denoiser, and what a step on them takes.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <vector>

#include "loading/model_info.h"
#include "t3video/train.h"
#include "training/distill/distill_config.h"
#include "training/distill/teacher.h"
#include "training/dit/dit_config.h"
#include "training/dit/prepared_source.h"
#include "training/vae/vae_config.h"

namespace t3 {

// Sizes of the clips, and how many the data has of each. `source`: the dataset; nullptr for the
// world, and for videos that are not prepared yet. Their tokens are left 0.
std::vector<TrainPlan::Size> ClipSizes(const DitTrainConfig& config, const ModelInfo& model,
                                       const PreparedSource* source);

// What a step on one clip costs, in forwards of the denoiser: its own passes, and for a
// distillation those of the teacher, the critic and samples.
double ForwardsOfStep(const DitTrainConfig& config);
double ForwardsOfStep(const DistillConfig& config, const TeacherModel& teacher);

// Adds the tokens of plan->sizes, the attention, the activations of the largest batch in bytes,
// and the seconds of a step where the machine is calibrated. `forwards`: of a step and clip. Throws
// Error for sizes that the model cannot make.
void AddWork(const DitTrainConfig& config, const ModelInfo& model, double forwards,
             at::Device device, at::ScalarType dtype, TrainPlan* plan);

// Sets the activations of the largest batch of plan->sizes in bytes: a lower bound.
void AddVaeWork(const VaeTrainConfig& config, const VaeConfig& vae, at::ScalarType dtype,
                TrainPlan* plan);

}  // namespace t3
