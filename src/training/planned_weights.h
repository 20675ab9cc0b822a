// What the networks of a training take: numbers of weights, memory, checkpoints, the model's file.
#pragma once

#include <c10/core/ScalarType.h>

#include "loading/model_info.h"
#include "t3video/train.h"
#include "training/distill/distill_config.h"
#include "training/distill/teacher.h"
#include "training/dit/dit_config.h"
#include "training/vae/vae_config.h"
#include "training/vae/vae_task.h"

namespace t3 {

// Each adds to the plan's numbers of weights and bytes, for a computation in `dtype`. Memory is
// that of the one of plan->ranks that has the most. Throw Error for LoRA targets that the model
// lacks.

// The denoiser that is trained, or its LoRA and the frozen base, and the text encoder where it is
// trained too. Sets plan->trained.
void AddDenoiser(const DitTrainConfig& config, const ModelInfo& model, at::ScalarType dtype,
                 TrainPlan* plan);

// Of a distillation, beside the student: the teacher; the critic, trained by every rank as a whole
// and not written; the moving average that gives the targets. Append to plan->trained.
void AddTeacher(const DistillConfig& config, const ModelInfo& base, const TeacherModel& teacher,
                at::ScalarType dtype, TrainPlan* plan);
void AddCritic(const DistillConfig& config, const TeacherModel& teacher, at::ScalarType dtype,
               TrainPlan* plan);
void AddTarget(const DistillConfig& config, const ModelInfo& base, at::ScalarType dtype,
               TrainPlan* plan);

// A VAE, or its decoder with the encoder frozen. Sets plan->trained.
void AddVae(const VaeTrainConfig& config, const VaeFile& file, at::ScalarType dtype,
            TrainPlan* plan);
// A small decoder for the latents of `teacher`, which is frozen. Likewise.
void AddDecoderStudent(const VaeTrainConfig& config, const VaeFile& teacher, at::ScalarType dtype,
                       TrainPlan* plan);

}  // namespace t3
