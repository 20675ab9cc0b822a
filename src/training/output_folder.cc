// Checks of the folder, and its lock.
#include "training/output_folder.h"

#include <filesystem>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/log.h"
#include "base/temporary.h"
#include "training/disk_check.h"
#include "training/loop/checkpoint.h"
#include "training/memory_check.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

// The log begins with the first step, before the model is written.
bool HasTraining(const fs::path& output) {
  std::error_code ignored;
  return fs::exists(output / "log.jsonl", ignored) || fs::exists(output / "checkpoints", ignored);
}

}  // namespace

void CheckOutput(const TrainConfig& config) {
  std::error_code ignored;
  const fs::path output = config.output;
  T3_CHECK(!fs::exists(output, ignored) || fs::is_directory(output, ignored),
           "{}: \"output\" {} is not a folder", config.source, config.output);
  CheckWritableFolder(config.output);
  if (!config.profile.empty()) const AtomicFile writable(config.profile);
}

void CheckModelReplaceable(const TrainConfig& config, const std::vector<const char*>& written,
                           const std::vector<InputFile>& inputs) {
  CheckInputsStay(config, written, inputs);
  std::error_code ignored;
  const fs::path output = config.output;
  if (config.overwrite || HasTraining(output)) return;
  for (const char* name : written) {
    T3_CHECK(!fs::exists(output / name, ignored),
             "{}: \"output\" {} has {}, which no training put there; `overwrite` writes into the "
             "folder all the same, or name another one",
             config.source, config.output, name);
  }
}

std::vector<int64_t> CheckpointSteps(const TrainConfig& config) {
  return CheckpointFolder(config.output, config.checkpoint.keep).Steps();
}

void CheckResumable(const TrainConfig& config, const std::function<nlohmann::json()>& identity) {
  const auto checkpoint = CheckpointFolder(config.output, config.checkpoint.keep).Newest();
  if (!checkpoint) return;
  CheckSameRun(*checkpoint, config, identity());
  CheckStepsLeft(*checkpoint, config);
  spdlog::info("would resume from {}", checkpoint->path);
}

void CompletePlan(const TrainConfig& config, TrainPlan* plan) {
  const std::vector<int64_t> steps = CheckpointSteps(config);
  plan->refusal = MemoryRefusal(*plan);
  if (!plan->refusal) plan->refusal = DiskRefusal(*plan, steps);
  if (!plan->refusal) {
    for (const std::string& note : {MemoryNote(*plan), DiskNote(*plan, steps)})
      if (!note.empty()) plan->notes.push_back(note);
  }
}

void LogNotes(const TrainPlan& plan) {
  for (const std::string& note : plan.notes) spdlog::warn("{}", note);
}

void AnnouncePlan(const TrainConfig& config, TrainPlan plan, const AnnounceFn& announce) {
  CompletePlan(config, &plan);
  if (announce) announce(plan);
  LogNotes(plan);
  if (plan.refusal) throw *plan.refusal;
}

OutputFolder::OutputFolder(const TrainConfig& config)
    : folder_(config.output), lock_(config.output) {
  RemoveStaleTemporaries(config.output);
  CheckpointFolder(config.output, config.checkpoint.keep).RemoveUnfinished();
}

}  // namespace t3
