// Recognises students by how they are sampled.
#include "training/distilled_notes.h"

#include <fmt/format.h>

namespace t3 {
namespace {

// Distilled models take up to so many steps, others more.
constexpr int64_t kFewSteps = 8;

bool TakesFewSteps(const SamplingConfig& sampling) {
  return sampling.guidance == 1 && sampling.steps <= kFewSteps;
}

// "DIR/x.safetensors is distilled (renoise, timesteps 1000,757,522, without guidance)".
std::string DistilledText(const ModelInfo& model) {
  return fmt::format("{}{} is distilled ({}, without guidance)", model.paths.dit,
                     model.loras.empty() ? "" : " with its LoRAs",
                     DescribeSteps(model.defaults.sampling));
}

}  // namespace

// Students of the objective guidance take as many steps as their teacher.
std::vector<std::string> DistilledNotes(const DitTrainConfig& config, const ModelInfo& base) {
  const SamplingConfig& sampling = base.defaults.sampling;
  const bool distilled = base.distilled && sampling.guidance == 1;
  if (!distilled && !TakesFewSteps(sampling)) return {};
  const char* remedy =
      config.lora ? "train the LoRA on the model that it was distilled from, and add it to this "
                    "one with `t3 generate --add-lora`"
                  : "train the model that it was distilled from, and distil the result again";
  return {
      fmt::format("the base {}, and the task dit undoes that, because it trains a denoiser for "
                  "many steps with guidance: {}",
                  DistilledText(base), remedy)};
}

// A refiner learns from clips; without guidance its teacher has no part in it.
std::vector<std::string> DistilledNotes(const DistillConfig& config, const TeacherModel& teacher) {
  const bool has_part = config.objective != Objective::kRefine || teacher.guidance != 1;
  if (!has_part || !TakesFewSteps(teacher.model.defaults.sampling)) return {};
  return {
      fmt::format("the teacher {}: its velocities are right at its own levels alone, and a "
                  "student learns its errors; name the model that it was distilled from, "
                  "\"teacher\": {{\"model\": DIR}}",
                  DistilledText(teacher.model))};
}

}  // namespace t3
