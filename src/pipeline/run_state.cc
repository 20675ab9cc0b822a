// Checkpoints and final latents as safetensors files that say which run they are of.
#include "pipeline/run_state.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <filesystem>

#include "base/check.h"
#include "pipeline/settings.h"
#include "pipeline/tensor_file.h"
#include "t3video/run.h"
#include "t3video/version.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kSolverPrefix = "solver.";
constexpr const char* kStepName = "step";

std::string Beside(std::string output, const char* suffix) {
  while (output.size() > 1 && output.back() == '/') output.pop_back();
  return output + suffix;
}

std::string BuildText() { return GetBuildInfo().version + " " + GetBuildInfo().commit; }

Metadata StateMetadata(const RunIdentity& identity) {
  Metadata metadata = identity.metadata;
  metadata["t3.run.output"] = fs::absolute(identity.output).lexically_normal().string();
  metadata["t3.run.settings"] = identity.settings;
  metadata["t3.run.inputs"] = identity.inputs.dump();
  metadata["t3.run.steps"] = std::to_string(identity.steps);
  metadata["t3.run.build"] = BuildText();
  metadata["t3.run.device"] = identity.device;
  metadata["t3.run.threads"] = std::to_string(at::get_num_threads());
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
           "{}: tensor step is not one number; the file is no checkpoint of t3", file.path());
  return step.item<int64_t>();
}

// What the file lacks stays undefined.
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
      notes.push_back(fmt::format("{} was {} and is now {}: the result can differ in its last bits",
                                  what, then, now));
  };
  compare("the build", Value(file, "t3.run.build"), BuildText());
  compare("the device", Value(file, "t3.run.device"), identity.device);
  compare("the number of threads", Value(file, "t3.run.threads"),
          std::to_string(at::get_num_threads()));
  return notes;
}

std::optional<FoundRun> ReadRun(const std::string& path, const RunIdentity& identity,
                                ExistingState old) {
  const auto file = WeightFile::Open(path);
  T3_CHECK(IsState(*file), "{} is no state of a run", path);
  if (!HasTensor(*file, "latents")) return std::nullopt;
  const auto then = ordered_json::parse(Value(*file, "t3.run.inputs"), nullptr, false);
  const std::vector<std::string> differences = Differences(then, identity.inputs);
  T3_CHECK(differences.empty() || old == ExistingState::kForce,
           "{} holds step {} of {} of another run, which differs in {}; `t3 resume {}` goes on "
           "with that one (--force where only the model's files changed), --restart gives it up, "
           "or name another --output",
           path, StepOf(*file), Value(*file, "t3.run.steps"), fmt::join(differences, ", "),
           identity.output);
  FoundRun found{ReadProgress(*file), path, ChangesSince(*file, identity)};
  for (const std::string& difference : differences) found.notes.push_back("changed: " + difference);
  T3_CHECK(found.progress.sampler.step >= 0 && found.progress.sampler.step <= identity.steps,
           "{} is at step {}, but the run has {}", path, found.progress.sampler.step,
           identity.steps);
  return found;
}

}  // namespace

std::string CheckpointBeside(const std::string& output) {
  return Beside(output, ".checkpoint.safetensors");
}

std::string LatentsBeside(const std::string& output) {
  return Beside(output, ".latents.safetensors");
}

std::optional<FoundRun> FindRun(const RunIdentity& identity, const std::string& file,
                                ExistingState old) {
  if (old == ExistingState::kDiscard) return std::nullopt;
  if (!file.empty()) return ReadRun(file, identity, old);
  for (const std::string& path :
       {LatentsBeside(identity.output), CheckpointBeside(identity.output)}) {
    if (fs::exists(path)) return ReadRun(path, identity, old);
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
    if (fs::exists(path) && !HasTensor(*WeightFile::Open(path), "latents"))
      fs::remove(path, ignored);
  } catch (const Error&) {  // it is not ours
  }
}

void SaveCheckpoint(const RunIdentity& identity, const RunProgress& progress) {
  std::vector<std::pair<std::string, at::Tensor>> tensors{
      {kStepName, at::full({1}, progress.sampler.step, at::kLong)},
      {"latents", progress.sampler.latents}};
  for (const auto& [name, tensor] : progress.sampler.solver)
    tensors.emplace_back(kSolverPrefix + name, tensor);
  const auto add = [&](const char* name, const at::Tensor& tensor) {
    if (tensor.defined()) tensors.emplace_back(name, tensor);
  };
  add("prompt", progress.embeds.prompt.embeds);
  add("negative_prompt", progress.embeds.negative.embeds);
  add("first_frame", progress.first_frame);
  SaveTensors(CheckpointBeside(identity.output), tensors, StateMetadata(identity));
}

std::string SaveFinalLatents(const RunIdentity& identity, const at::Tensor& latents,
                             std::string& why) {
  const std::string beside = LatentsBeside(identity.output);
  const std::string name = fs::path(beside).filename().string();
  std::error_code ignored;
  for (const fs::path& path : {fs::path(beside), fs::current_path(ignored) / name,
                               fs::temp_directory_path(ignored) / name}) {
    try {
      SaveTensors(path.string(), {{"latents", latents}}, StateMetadata(identity));
      return path.string();
    } catch (const Error& error) {
      if (why.empty()) why = error.what();
    }
  }
  return "";
}

void RemoveRunState(const std::string& output) {
  std::error_code ignored;
  fs::remove(CheckpointBeside(output), ignored);
  fs::remove(LatentsBeside(output), ignored);
}

SavedRun FindSavedRun(const std::string& path) {
  for (const std::string& file : {path, LatentsBeside(path), CheckpointBeside(path)}) {
    std::error_code ignored;
    if (!file.ends_with(".safetensors") || !fs::is_regular_file(file, ignored)) continue;
    const auto opened = WeightFile::Open(file);
    if (!IsState(*opened)) continue;
    const bool named = file == path;  // the state itself, which can have been moved
    return {file, named ? Value(*opened, "t3.run.output") : path, Value(*opened, "t3.run.settings"),
            StepOf(*opened), std::atoll(Value(*opened, "t3.run.steps").c_str())};
  }
  Fail("there is nothing to resume for {}: neither {} nor {} is there{}", path,
       CheckpointBeside(path), LatentsBeside(path),
       fs::exists(path) ? "; the output itself is complete" : "");
}

}  // namespace t3
