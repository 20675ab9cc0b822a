// Puts networks, objective and gates together, and writes the student.
#include "training/distill/distill_task.h"

#include <filesystem>

#include "base/check.h"
#include "base/json.h"
#include "loading/sampling_json.h"
#include "training/distill/make_objective.h"
#include "training/dit/dit_file.h"
#include "training/dit/dit_task.h"
#include "training/dit/model_folder.h"

namespace t3 {
namespace {

constexpr const char* kGates = "gates";  // the tensor of DistillGates::State
constexpr std::string_view kObjective = "objective.";

// The denoiser's weights are read once.
nlohmann::json BaseAsTeacher(const nlohmann::json& identity, const DistillConfig& config,
                             const ModelInfo& base) {
  return {{"denoiser", identity["denoiser"]},
          {"loras", identity["loras"]},
          {"weights", {{"denoiser", identity["weights"]["denoiser"]}}},
          {"attention", AttentionMetadata(config.teacher.attention, base)}};
}

}  // namespace

SamplingConfig StudentSampling(const DistillConfig& config, const ModelInfo& base) {
  if (config.objective != Objective::kGuidance || config.names_sampling) return config.sampling;
  SamplingConfig sampling = base.defaults.sampling;
  sampling.guidance = 1;
  return sampling;
}

nlohmann::json DistillIdentity(const DistillConfig& config, const ModelInfo& base,
                               const TeacherModel& teacher, const std::string& data) {
  nlohmann::json identity = DitIdentity(config, base, data);
  identity["sampling"] = nlohmann::json(SamplingJson(StudentSampling(config, base)));
  nlohmann::json& of = identity["teacher"];
  of = teacher.is_base ? BaseAsTeacher(identity, config, base)
                       : DenoiserIdentity(config.teacher.attention, teacher.model);
  of["guidance"] = teacher.guidance;
  of["negative_prompt"] = teacher.negative_prompt;
  return identity;
}

DistillTask::DistillTask(const DistillConfig& config, const ModelInfo& base,
                         const TeacherModel& teacher, std::unique_ptr<BatchSource> source,
                         at::ScalarType dtype, const RunContext& context)
    : networks_(config, base, teacher, std::move(source), dtype, context),
      sampling_(StudentSampling(config, base)),
      objective_(MakeObjective(networks_)),
      gates_(networks_, sampling_, context) {}

TensorMap DistillTask::State() const {
  TensorMap state;
  for (const auto& [name, tensor] : objective_->State()) {
    state[std::string(kObjective) + name] = tensor;
  }
  if (gates_.State().defined()) state[kGates] = gates_.State();
  return state;
}

void DistillTask::Restore(const TensorMap& state, int64_t steps) {
  TensorMap of_objective;
  for (const auto& [name, tensor] : state) {
    if (name.starts_with(kObjective)) of_objective[name.substr(kObjective.size())] = tensor;
  }
  const auto gates = state.find(kGates);
  if (gates != state.end()) gates_.Restore(gates->second);
  objective_->Restore(of_objective, steps);
}

void DistillTask::SaveModel(const TensorMap& weights, const std::string& folder) const {
  std::filesystem::create_directories(folder);
  const Metadata metadata{{kSamplingKey, DumpJson(SamplingJson(sampling_))}};
  SaveDit(networks_.config, networks_.model, weights, metadata, folder);
  LinkOtherParts(networks_.model, folder, /*text_encoder=*/true);
}

nlohmann::json DistillTask::Identity() const {
  return DistillIdentity(networks_.config, networks_.model, networks_.teacher_model,
                         networks_.source->Digest());
}

}  // namespace t3
