// Checkpoints and final latents as safetensors files whose metadata identify the run.
#include "pipeline/state/run_state.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <filesystem>

#include "base/check.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/path_text.h"
#include "base/target_path.h"
#include "base/text.h"
#include "loading/tensor_file.h"
#include "pipeline/state/settings.h"
#include "t3video/run.h"
#include "t3video/version.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kSolverPrefix = "solver.";
constexpr const char* kStepName = "step";

// Room is left for the number of a file elsewhere (FreePath) and for temporaries.
std::string Beside(std::string output, const std::string& suffix) {
  while (output.size() > 1 && output.back() == '/') output.pop_back();
  constexpr size_t kReserve = 16;
  const fs::path path(output);
  const std::string name =
      ShortenName(path.filename().string(), kMaxNameBytes - kReserve - suffix.size());
  return (path.parent_path() / (name + suffix)).string();
}

bool Exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

std::string BuildText() { return GetBuildInfo().version + " " + GetBuildInfo().commit; }

Metadata StateMetadata(const RunIdentity& identity) {
  Metadata metadata = identity.metadata;
  metadata["t3.run.output"] = PathToText(fs::absolute(identity.output).lexically_normal().string());
  metadata["t3.run.settings"] = identity.settings;
  metadata["t3.run.inputs"] = DumpJson(identity.inputs);
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
      ParseOrderedJson(Value(*file, "t3.run.inputs"), "the state in " + path, kLongLists);
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

// A path in `folder` that nothing has: "NAME.safetensors", else "NAME-2.safetensors" and so on.
// What is there is of another run.
fs::path FreePath(const fs::path& folder, const fs::path& name) {
  fs::path path = folder / name;
  for (int i = 2; Exists(path.string()); ++i) {
    path = folder / fmt::format("{}-{}{}", name.stem().string(), i, name.extension().string());
  }
  return path;
}

// Writes to `beside`; where that fails to the current folder, then to the system's for temporary
// files. Returns the path, or "" with `why` set to the first failure.
std::string SaveSomewhere(const std::string& beside, const Tensors& tensors,
                          const Metadata& metadata, std::string& why) {
  std::error_code ignored;
  const fs::path name = fs::path(beside).filename();
  for (const fs::path& folder :
       {fs::path(), fs::current_path(ignored), fs::temp_directory_path(ignored)}) {
    try {
      const std::string path = folder.empty() ? beside : FreePath(folder, name).string();
      SaveTensors(path, tensors, metadata);
      return path;
    } catch (...) {
      if (why.empty()) why = CurrentError().what();
    }
  }
  return "";
}

}  // namespace

std::string CheckpointBeside(const std::string& output) {
  return Beside(output, ".checkpoint.safetensors");
}

std::string LatentsBeside(const std::string& output) {
  return Beside(output, ".latents.safetensors");
}

std::optional<FoundRun> FindRun(const RunIdentity& identity, const std::string& file,
                                ExistingState existing) {
  if (existing == ExistingState::kDiscard) return std::nullopt;
  if (!file.empty()) return ReadRun(file, identity, existing);
  for (const std::string& path :
       {LatentsBeside(identity.output), CheckpointBeside(identity.output)}) {
    if (Exists(path)) return ReadRun(path, identity, existing);
  }
  return std::nullopt;
}

void SaveStart(const RunIdentity& identity) {
  SaveTensors(CheckpointBeside(identity.output), {{kStepName, at::zeros({1}, at::kLong)}},
              StateMetadata(identity));
}

void RemoveStart(const RunIdentity& identity) {
  const std::string path = CheckpointBeside(identity.output);
  std::error_code ignored;
  try {
    if (Exists(path) && !HasTensor(*WeightFile::Open(path), "latents")) fs::remove(path, ignored);
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
  return fmt::format("`t3 resume {}`", beside ? identity.output : file + " --output FILE");
}

bool HasState(const std::string& output) {
  if (Exists(LatentsBeside(output))) return true;
  const std::string checkpoint = CheckpointBeside(output);
  try {
    return Exists(checkpoint) && HasTensor(*WeightFile::Open(checkpoint), "latents");
  } catch (const std::exception&) {  // not a state, or damaged
    return false;
  }
}

void RemoveRunState(const std::string& output) {
  std::error_code ignored;
  fs::remove(CheckpointBeside(output), ignored);
  fs::remove(LatentsBeside(output), ignored);
}

SavedRun FindSavedRun(const std::string& path) {
  std::error_code ignored;
  for (const std::string& file : {path, LatentsBeside(path), CheckpointBeside(path)}) {
    if (!file.ends_with(".safetensors") || !fs::is_regular_file(file, ignored)) continue;
    const auto opened = OpenState(file);
    if (!IsState(*opened)) continue;
    const bool named = file == path;  // the state itself, which may have been moved
    return {file, named ? TextToPath(Value(*opened, "t3.run.output")) : path,
            Value(*opened, "t3.run.settings"), StepOf(*opened),
            std::atoll(Value(*opened, "t3.run.steps").c_str())};
  }
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
