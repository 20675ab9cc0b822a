// What a training run needs, worked out before any weight is loaded.
#pragma once

#include <ATen/Device.h>
#include <c10/core/ScalarType.h>

#include "loading/model_info.h"
#include "models/dit/dit.h"
#include "t3video/train.h"
#include "training/distill/distill_config.h"
#include "training/distill/teacher.h"
#include "training/dit/dit_config.h"
#include "training/dit/prepared_source.h"
#include "training/loop/rank_layout.h"
#include "training/vae/vae_config.h"
#include "training/vae/vae_task.h"

namespace t3 {

// `source`: the dataset; nullptr for the world, and for videos that are not prepared yet. Throws
// Error for LoRA targets that the model lacks and sizes that it cannot make. Memory and time are of
// one of the layout's ranks, memory of that which needs the most.
TrainPlan PlanDitTraining(const DitTrainConfig& config, const ModelInfo& model,
                          const PreparedSource* source, at::Device device, at::ScalarType dtype,
                          const RankLayout& layout);

// The same with the teacher, which is not trained, and the critic, which is but is not written;
// each rank has all of both.
TrainPlan PlanDistillTraining(const DistillConfig& config, const ModelInfo& base,
                              const TeacherModel& teacher, const PreparedSource* source,
                              at::Device device, at::ScalarType dtype, const RankLayout& layout);

TrainPlan PlanVaeTraining(const VaeTrainConfig& config, const VaeFile& file, at::Device device,
                          at::ScalarType dtype, const RankLayout& layout);

}  // namespace t3
