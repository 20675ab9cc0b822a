// Checkpoints and final latents as safetensors files whose metadata identify the run.
#include "pipeline/state/run_state.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <filesystem>

#include "base/check.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/path_text.h"
#include "base/text.h"
#include "loading/tensor_file.h"
#include "pipeline/state/settings.h"
#include "pipeline/state/state_places.h"
#include "t3video/run.h"
#include "t3video/version.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kSolverPrefix = "solver.";
constexpr const char* kStepName = "step";

std::string BuildText() { return GetBuildInfo().version + " " + GetBuildInfo().commit; }

Metadata StateMetadata(const RunIdentity& identity) {
  Metadata metadata = identity.metadata;
  metadata[kOutputKey] = OutputName(identity.output);
  metadata["t3.run.settings"] = identity.settings;
  metadata[kInputsKey] = DumpJson(identity.inputs);
  metadata["t3.run.steps"] = std::to_string(identity.steps);
  metadata["t3.run.build"] = BuildText();
  metadata["t3.run.device"] = identity.device;
  metadata["t3.run.threads"] = std::to_string(at::get_num_threads());
  // The file's header must be UTF-8; names of files need not be.
  for (auto& [key, value] : metadata) value = ReplaceInvalidUtf8(value);
  return metadata;
}

std::string Value(const WeightFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  return found == file.metadata().end() ? "" : found->second;
}

bool IsState(const WeightFile& file) { return file.metadata().contains("t3.run.settings"); }

bool HasTensor(const WeightFile& file, const std::string& name) {
  return file.tensors().contains(name);
}

int64_t StepOf(const WeightFile& file) {
  if (!HasTensor(file, kStepName)) return std::atoll(Value(file, "t3.run.steps").c_str());
  const at::Tensor step = ReadTensor(file, kStepName);
  T3_CHECK(step.numel() == 1 && step.scalar_type() == at::kLong,
           "{}: tensor step is not a single integer; the file is not a checkpoint of t3",
           file.path());
  return step.item<int64_t>();
}

// Undefined where the file has no such tensor.
at::Tensor TensorOr(const WeightFile& file, const std::string& name) {
  return HasTensor(file, name) ? ReadTensor(file, name) : at::Tensor();
}

RunProgress ReadProgress(const WeightFile& file) {
  RunProgress progress;
  progress.sampler.step = StepOf(file);
  progress.sampler.latents = ReadLatents(file, "latents");
  progress.embeds.prompt.embeds = TensorOr(file, "prompt");
  progress.embeds.negative.embeds = TensorOr(file, "negative_prompt");
  progress.first_frame = TensorOr(file, "first_frame");
  progress.draft = TensorOr(file, "draft");
  for (const auto& [name, view] : file.tensors()) {
    if (name.starts_with(kSolverPrefix))
      progress.sampler.solver[name.substr(std::string(kSolverPrefix).size())] =
          ReadTensor(file, name);
  }
  return progress;
}

std::vector<std::string> ChangesSince(const WeightFile& file, const RunIdentity& identity) {
  std::vector<std::string> notes;
  const auto compare = [&](const char* what, const std::string& then, const std::string& now) {
    if (then != now)
      notes.push_back(fmt::format("{} was {} and is now {}: the last bits of the result can differ",
                                  what, then, now));
  };
  compare("the build", Value(file, "t3.run.build"), BuildText());
  compare("the device", Value(file, "t3.run.device"), identity.device);
  compare("the number of threads", Value(file, "t3.run.threads"),
          std::to_string(at::get_num_threads()));
  return notes;
}

// Throws Error that says how the run is made without a damaged file.
std::shared_ptr<const WeightFile> OpenState(const std::string& path) {
  try {
    return WeightFile::Open(path, FileOrigin::kOwn);
  } catch (const Error& error) {
    Fail("{}; the run cannot continue from it, and `restart` makes it from the start",
         error.what());
  }
}

std::optional<FoundRun> ReadRun(const std::string& path, const RunIdentity& identity,
                                ExistingState existing) {
  const auto file = OpenState(path);
  T3_CHECK(IsState(*file), "{} is not the state of a run; it would be replaced by this run's",
           path);
  if (!HasTensor(*file, "latents")) return std::nullopt;
  const ordered_json then =
      ParseOrderedJson(Value(*file, kInputsKey), "the state in " + path, kLongLists);
  const std::vector<std::string> differences = Differences(then, identity.inputs);
  T3_CHECK(differences.empty() || existing == ExistingState::kForce,
           "{} holds step {} of {} of another run, which differs in {}; `t3 resume {}` continues "
           "that one (`force` where only the model's files changed), `restart` discards it, or "
           "name another `output`",
           path, StepOf(*file), Value(*file, "t3.run.steps"), fmt::join(differences, ", "),
           identity.output);
  FoundRun found{ReadProgress(*file), path, ChangesSince(*file, identity)};
  for (const std::string& difference : differences) found.notes.push_back("changed: " + difference);
  T3_CHECK(found.progress.sampler.step >= 0 && found.progress.sampler.step <= identity.steps,
           "{} is at step {}, but the run has {}", path, found.progress.sampler.step,
           identity.steps);
  return found;
}

using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

Tensors CheckpointTensors(const RunProgress& progress) {
  Tensors tensors{{kStepName, at::full({1}, progress.sampler.step, at::kLong)},
                  {"latents", progress.sampler.latents}};
  for (const auto& [name, tensor] : progress.sampler.solver)
    tensors.emplace_back(kSolverPrefix + name, tensor);
  const auto add = [&](const char* name, const at::Tensor& tensor) {
    if (tensor.defined()) tensors.emplace_back(name, tensor);
  };
  add("prompt", progress.embeds.prompt.embeds);
  add("negative_prompt", progress.embeds.negative.embeds);
  add("first_frame", progress.first_frame);
  add("draft", progress.draft);
  return tensors;
}

// Writes to `beside`; where that fails to another folder. Returns the path, or "" with `why` set to
// the first failure.
std::string SaveSomewhere(const std::string& beside, const Tensors& tensors,
                          const Metadata& metadata, std::string& why) {
  const auto save = [&](const std::string& path) {
    try {
      SaveTensors(path, tensors, metadata);
      return true;
    } catch (...) {
      if (why.empty()) why = CurrentError().what();
      return false;
    }
  };
  if (save(beside)) return beside;
  for (const fs::path& folder : OtherFolders()) {
    const std::string path = FreePlace(folder, beside, metadata);
    if (!path.empty() && save(path)) return path;
  }
  return "";
}

SavedRun Describe(const WeightFile& file, const std::string& output) {
  return {file.path(), output, Value(file, "t3.run.settings"), StepOf(file),
          std::atoll(Value(file, "t3.run.steps").c_str())};
}

// Of the states of `output`, one with the latest step.
std::optional<SavedRun> LatestOf(const std::string& output) {
  std::optional<SavedRun> latest;
  for (const std::string& file : StateFiles(output)) {
    const auto opened = OpenState(file);
    if (!IsState(*opened)) continue;
    SavedRun run = Describe(*opened, output);
    if (!latest || run.step > latest->step) latest = std::move(run);
    if (latest->step == latest->steps) break;
  }
  return latest;
}

}  // namespace

std::optional<FoundRun> FindRun(const RunIdentity& identity, const std::string& file,
                                ExistingState existing) {
  if (existing == ExistingState::kDiscard) return std::nullopt;
  if (!file.empty()) return ReadRun(file, identity, existing);
  std::optional<FoundRun> latest;
  for (const std::string& path : StateFiles(identity.output)) {
    std::optional<FoundRun> found = ReadRun(path, identity, existing);
    if (!found) continue;
    const int64_t step = found->progress.sampler.step;
    if (!latest || step > latest->progress.sampler.step) latest = std::move(found);
    if (step == identity.steps) break;
  }
  return latest;
}

void SaveStart(const RunIdentity& identity) {
  SaveTensors(CheckpointBeside(identity.output), {{kStepName, at::zeros({1}, at::kLong)}},
              StateMetadata(identity));
}

void RemoveStart(const RunIdentity& identity) {
  const std::string path = CheckpointBeside(identity.output);
  std::error_code ignored;
  try {
    if (fs::exists(path) && !HasTensor(*WeightFile::Open(path), "latents"))
      fs::remove(path, ignored);
  } catch (const std::exception&) {  // it is not ours
  }
}

void SaveCheckpoint(const RunIdentity& identity, const RunProgress& progress) {
  SaveTensors(CheckpointBeside(identity.output), CheckpointTensors(progress),
              StateMetadata(identity));
}

std::string SaveLastCheckpoint(const RunIdentity& identity, const RunProgress& progress,
                               std::string& why) {
  return SaveSomewhere(CheckpointBeside(identity.output), CheckpointTensors(progress),
                       StateMetadata(identity), why);
}

std::string SaveFinalLatents(const RunIdentity& identity, const at::Tensor& latents,
                             const at::Tensor& draft, std::string& why) {
  Tensors tensors{{"latents", latents}};
  if (draft.defined()) tensors.emplace_back("draft", draft);
  return SaveSomewhere(LatentsBeside(identity.output), tensors, StateMetadata(identity), why);
}

std::string HowToResume(const RunIdentity& identity, const std::string& file) {
  const bool beside =
      file == CheckpointBeside(identity.output) || file == LatentsBeside(identity.output);
  if (beside) return fmt::format("`t3 resume {}`", identity.output);
  return fmt::format("`t3 resume {}` (with `--output FILE` in another folder)", file);
}

bool HasState(const std::string& output) {
  const auto has_latents = [](const std::string& file) {
    try {
      return HasTensor(*WeightFile::Open(file), "latents");
    } catch (const std::exception&) {  // not a state, or damaged
      return false;
    }
  };
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(LatentsBeside(output), ignored))) return true;
  return std::ranges::any_of(StateFiles(output), has_latents);
}

void RemoveRunState(const std::string& output) {
  std::error_code ignored;
  for (const std::string& file : StateFiles(output)) fs::remove(file, ignored);
}

SavedRun FindSavedRun(const std::string& path) {
  std::error_code ignored;
  if (path.ends_with(".safetensors") && fs::is_regular_file(path, ignored)) {
    // The state itself, which may have been moved.
    const auto opened = OpenState(path);
    if (IsState(*opened)) return Describe(*opened, TextToPath(Value(*opened, kOutputKey)));
  }
  if (const std::optional<SavedRun> latest = LatestOf(path)) return *latest;
  std::string what;
  if (fs::is_directory(path, ignored)) {
    what = "; the folder is not a job either: it has no job.json";
  } else if (fs::exists(path, ignored)) {
    what = "; the file itself is there, and outputs appear only when they are complete";
  }
  Fail("there is nothing to resume for {}: neither {} nor {} exists{}", path,
       CheckpointBeside(path), LatentsBeside(path), what);
}

}  // namespace t3
