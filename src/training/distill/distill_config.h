// Settings of the task "distill": a student that needs few steps and no guidance
// (docs/reference/training.md).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "config/sampling_config.h"
#include "training/dit/dit_config.h"

namespace t3 {

// What the student learns.
enum class Objective {
  kDmd,          // the distribution of the teacher's samples, in few steps
  kGuidance,     // the guided velocity, in one evaluation
  kConsistency,  // the end of the teacher's trajectory, from every level of it
  kRefine,       // the path from a draft with noise to the clip
};

struct TeacherConfig {
  ModelFiles model;                            // empty: the student's base
  AttentionConfig attention;                   // absent: as the run's
  std::optional<double> guidance;              // absent: the teacher's own; of refine, none
  std::optional<std::string> negative_prompt;  // likewise
  bool operator==(const TeacherConfig&) const = default;
};

// The network that learns the student's distribution. It starts from the teacher.
struct CriticConfig {
  int64_t updates = 5;             // for each of the student
  double lr = 0;                   // absent in the file: a fifth of the student's
  std::optional<LoraConfig> lora;  // absent in the file: as the student's
  double toward_student = 0;       // share of the student that each of its updates mixes in
  double divergence = 10;          // bound of the running loss, as a multiple of its lowest value
  bool operator==(const CriticConfig&) const = default;
};

// Noise levels at which teacher and critic judge a sample: uniform within [min, max], shifted, and
// clamped to these limits.
struct ScoreConfig {
  double shift = 5;
  double min = 0.02, max = 0.98;
  bool operator==(const ScoreConfig&) const = default;
};

// Regression of the student's first step to the line from the noise through an early point of the
// teacher's trajectory; DMD then trains the later steps.
struct DiversityConfig {
  double weight = 0;  // 0: none
  int64_t teacher_steps = 40, anchor_step = 10;
  bool operator==(const DiversityConfig&) const = default;
};

struct ConsistencyConfig {
  int64_t levels = 48;
  double shift = 5;
  double target_ema = 0.95;  // decay of the network that gives the targets
  bool operator==(const ConsistencyConfig&) const = default;
};

// Samples of the student against those of the teacher.
struct GateConfig {
  int64_t every_steps = 0;  // 0: none
  int64_t batches = 2;
  int64_t teacher_steps = 0;  // 0: the teacher's own number
  bool decoded = false;       // compare frames in place of latents
  bool operator==(const GateConfig&) const = default;
};

struct DistillConfig : DitTrainConfig {
  Objective objective = Objective::kDmd;
  // How the student is sampled. A list that begins below 1 makes a refiner: it starts from latents
  // of the data with noise of that level.
  SamplingConfig sampling;
  bool names_sampling = false;  // else, for `guidance`, the student is sampled as the base is
  TeacherConfig teacher;
  CriticConfig critic;
  ScoreConfig score;
  DiversityConfig diversity;
  ConsistencyConfig consistency;
  GateConfig gates;

  // Whether training reads the clips' latents, not their captions alone.
  bool uses_clips() const;
  // Whether the student refines: it starts from drafts where the data has them.
  bool refines() const;
  // The level at which the student's samples start.
  double start_level() const;
  bool operator==(const DistillConfig&) const = default;
};

// Every field typed and checked; throws Error that names the field. `source` names the file.
DistillConfig ParseDistillConfig(const nlohmann::json& document, const std::string& source);

}  // namespace t3
