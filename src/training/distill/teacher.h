// The frozen network that a student learns from.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "loading/model_info.h"
#include "models/dit/dit.h"
#include "training/distill/captioned_dit.h"
#include "training/distill/distill_config.h"
#include "training/dit/attention_cache.h"

namespace t3 {

// A model as a teacher: what it is sampled with unless the configuration says otherwise.
struct TeacherModel {
  ModelInfo model;
  bool is_base = false;  // the same weights as the student's base
  double guidance = 1;
  std::string negative_prompt;
};

// The teacher that `config` names for a student made of `base`. Throws Error as opening does, and
// where its latents or texts are not the base's.
TeacherModel OpenTeacher(const DistillConfig& config, const ModelInfo& base);

class GuidedTeacher {
 public:
  // `negative`: the encoded negative prompt (L, width); unused with guidance 1.
  GuidedTeacher(Dit dit, AttentionCache attention, double guidance, const at::Tensor& negative);
  GuidedTeacher(const GuidedTeacher&) = delete;
  GuidedTeacher& operator=(const GuidedTeacher&) = delete;

  // With the captions of a batch; `negative` is absent with guidance 1. Refers to this object.
  struct Texts {
    CaptionedDit prompts;
    std::optional<CaptionedDit> negative;
  };
  Texts Prepare(const std::vector<at::Tensor>& texts) const;

  // Velocities of x (B,z,T,h,w) at a timestep for each, fp32, without gradients.
  at::Tensor Guided(const at::Tensor& x, const std::vector<double>& timesteps, const Texts& texts);
  // What guidance, which is not 1, adds to the velocity: (guidance - 1) (prompt's - negative's).
  at::Tensor GuidanceAlone(const at::Tensor& x, const std::vector<double>& timesteps,
                           const Texts& texts);
  at::Tensor WithoutGuidance(const at::Tensor& x, const std::vector<double>& timesteps,
                             const Texts& texts);

 private:
  Dit dit_;
  AttentionCache attention_;
  double guidance_;
  at::Tensor negative_;
};

}  // namespace t3
