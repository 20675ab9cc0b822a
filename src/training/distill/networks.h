// What every objective of a distillation works with: student, teacher and data.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/stage.h"
#include "training/distill/distill_config.h"
#include "training/distill/rollout.h"
#include "training/distill/teacher.h"
#include "training/dit/attention_cache.h"
#include "training/dit/batch_source.h"
#include "training/dit/trained_dit.h"
#include "training/loop/step_random.h"
#include "training/loop/step_share.h"

namespace t3 {

// Clips of a micro batch on the training device.
struct DistillBatch {
  at::Tensor latents;             // (B,z,T,h,w) fp32
  std::vector<at::Tensor> texts;  // B encoded captions
  std::vector<std::string> items;
  at::Tensor drafts = {}, weights = {};  // see Batch

  // One timestep for every clip.
  std::vector<double> At(double timestep) const {
    return std::vector<double>(static_cast<size_t>(latents.size(0)), timestep);
  }
};

class DistillNetworks {
 public:
  // Loads student and teacher; where both have the base's weights and the student is a LoRA, these
  // are in memory once. Throws Error as loading does.
  DistillNetworks(const DistillConfig& config, const ModelInfo& model, const TeacherModel& teacher,
                  std::unique_ptr<BatchSource> source, at::ScalarType dtype,
                  const RunContext& context);

  DistillBatch Get(int64_t step, int64_t micro);
  StepRandom RandomOf(int64_t step, int64_t micro) const { return {config.seed, step, micro}; }

  // Where a sample of these clips' shape starts: at the highest level of config.sampling.
  RolloutStart StartOf(const DistillBatch& batch, const StepRandom& random) const;
  // A network in the student's place. Segments are recomputed in the backward pass if gradients are
  // recorded and the configuration says so. The function refers to `captioned`.
  VelocityFn VelocityOf(const CaptionedDit& captioned);
  // For a critic, which attends as the teacher does.
  AttentionCache TeacherAttention() const;

  const DistillConfig config;
  const ModelInfo model;
  const TeacherModel teacher_model;
  const at::ScalarType dtype;
  const at::Device device;
  const SegmentRunners runners;  // empty when activations are stored
  const std::unique_ptr<BatchSource> source;
  // The teacher's weights, which a critic's LoRA shares.
  const std::shared_ptr<const TensorMap> teacher_weights;
  TrainedDit student;
  AttentionCache attention;  // the student's
  GuidedTeacher teacher;
  const StepShare alone;
  const StepShare* share = &alone;  // of other processes, of a step
};

}  // namespace t3
