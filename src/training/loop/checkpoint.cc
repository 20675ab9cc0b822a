// Writing and finding checkpoints.
#include "training/loop/checkpoint.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/digest.h"
#include "base/failure.h"
#include "base/free_space.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mapped_file.h"
#include "base/parse_number.h"
#include "base/text.h"
#include "nn/load.h"
#include "nn/tensor_digest.h"
#include "training/loop/json_differences.h"
#include "weights/safetensors.h"
#include "weights/safetensors_writer.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kPrefix = "step-";
constexpr const char* kTensors = "state.safetensors";
constexpr const char* kState = "state.json";
constexpr const char* kFingerprint = "matters";  // has both of these
constexpr const char* kSettings = "config";
constexpr const char* kIdentity = "model";
constexpr const char* kVersion = "version";
// Version 1, without the field, lacks "weights", "sampling" and "batches" of the identity; the
// first ones lack more of it and the digest.
constexpr int64_t kCurrentVersion = 2;
constexpr const char* kDigest = "digest";  // StateDigest::Text

// A folder's entries are on disk only once the folder itself is flushed.
void FlushFolder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool flushed = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  T3_CHECK(flushed, "cannot flush the folder {}", folder.string());
}

// Of a step's tensors, which are added in the order of their names.
class StateDigest {
 public:
  explicit StateDigest(int64_t step) : lines_(fmt::format("step {}\n", step)) {}
  void Add(const std::string& name, const at::Tensor& tensor) {
    lines_ += fmt::format("{} {} {} {}\n", name, DTypeName(ToDType(tensor.scalar_type())),
                          fmt::join(tensor.sizes(), ","), TensorDigest(tensor));
  }
  std::string Text() const { return DigestText(Digest(lines_)); }

 private:
  std::string lines_;
};

// One tensor at a time on the host; returns StateDigest::Text.
std::string WriteTensors(const std::string& path, const TensorMap& tensors, int64_t step) {
  std::vector<TensorInfo> table;
  for (const auto& [name, tensor] : tensors) {
    table.push_back({name, ToDType(tensor.scalar_type()), tensor.sizes().vec()});
  }
  SafetensorsStream stream(path, table, {});
  StateDigest digest(step);
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor data = tensor.detach().cpu().contiguous();
    stream.Write(name, static_cast<const std::byte*>(data.const_data_ptr()),
                 static_cast<int64_t>(data.nbytes()));
    digest.Add(name, data);
  }
  stream.Finish();
  return digest.Text();
}

int64_t BytesOf(const TensorMap& tensors) {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += static_cast<int64_t>(tensor.nbytes());
  return bytes;
}

// On disk, of checkpoints.
int64_t BytesOf(const std::vector<std::string>& folders) {
  int64_t bytes = 0;
  for (const std::string& folder : folders) {
    std::error_code error;
    const auto size = fs::file_size(fs::path(folder) / kTensors, error);
    if (!error) bytes += static_cast<int64_t>(size);
  }
  return bytes;
}

void RemoveAll(const std::vector<std::string>& folders) {
  std::error_code ignored;
  for (const std::string& folder : folders) fs::remove_all(folder, ignored);
}

// Otherwise a disk that is almost full would be filled first.
void CheckRoom(const fs::path& folder, int64_t bytes) {
  const std::optional<int64_t> free = FreeBytes(folder);
  T3_CHECK(!free || bytes <= *free, "it takes {}, and the disk has {} free; free {} more",
           FormatBytes(bytes), FormatBytes(*free), FormatBytes(bytes - *free));
}

// N of "step-N"; nullopt for another name.
std::optional<int64_t> StepOf(const fs::path& folder) {
  const std::string name = folder.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  return ParseNumber<int64_t>(std::string_view(name).substr(kPrefix.size()));
}

// Newest first.
std::vector<std::pair<int64_t, fs::path>> FindSteps(const fs::path& folder) {
  std::vector<std::pair<int64_t, fs::path>> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const auto step = StepOf(entry.path());
    if (step && entry.is_directory(error)) found.emplace_back(*step, entry.path());
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

json ReadState(const fs::path& folder, int64_t step) {
  const std::string path = (folder / kState).string();
  json state = ReadJson(path);
  const auto has_object = [](const json& in, const char* key) {
    return in.is_object() && in.contains(key) && in[key].is_object();
  };
  T3_CHECK(has_object(state, kFingerprint) && has_object(state[kFingerprint], kSettings) &&
               has_object(state[kFingerprint], kIdentity) && state.value("step", json()) == step,
           "{} does not describe a checkpoint of step {}", path, step);
  return state;
}

void CheckDigest(const TensorMap& tensors, int64_t step, const json& wanted) {
  StateDigest digest(step);
  for (const auto& [name, tensor] : tensors) digest.Add(name, tensor);
  T3_CHECK(wanted == digest.Text(),
           "{} is damaged, or of another step: its digest is {}, and {} names {}", kTensors,
           digest.Text(), kState, wanted.dump());
}

// Not a WeightFile, which takes prefixes such as "ema." for wrappers of a model.
Checkpoint ReadCheckpoint(const fs::path& folder, int64_t step) {
  const json state = ReadState(folder, step);
  Checkpoint checkpoint;
  checkpoint.step = step;
  checkpoint.settings = state[kFingerprint][kSettings];
  checkpoint.identity = state[kFingerprint][kIdentity];
  checkpoint.path = folder.string();
  checkpoint.is_earlier = !state.contains(kVersion);
  const MappedFile file((folder / kTensors).string());
  const ParsedWeights weights = ParseSafetensors(file.bytes());
  for (const auto& [name, view] : weights.tensors) checkpoint.tensors[name] = ToTensor(view);
  if (state.contains(kDigest)) CheckDigest(checkpoint.tensors, step, state[kDigest]);
  return checkpoint;
}

// By its headers, so that large checkpoints are not read.
bool IsComplete(const fs::path& folder, int64_t step) {
  try {
    ReadState(folder, step);
    const MappedFile file((folder / kTensors).string());
    ParseSafetensors(file.bytes());
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

std::string EarlierText(const fs::path& folder, int64_t step) {
  for (const auto& [earlier, path] : FindSteps(folder)) {
    if (earlier > step || !IsComplete(path, earlier)) continue;
    return fmt::format("the checkpoint of step {} stays, and the same command resumes from it",
                       earlier);
  }
  return "there is no earlier checkpoint";
}

}  // namespace

CheckpointFolder::CheckpointFolder(const std::string& output, int64_t keep)
    : folder_((fs::path(output) / "checkpoints").string()), keep_(keep) {}

void CheckpointFolder::Prepare() const {
  std::error_code error;
  fs::create_directories(folder_, error);
  T3_CHECK(!error, "cannot create the folder {}: {}", folder_, error.message());
  RemoveUnfinished();
}

void CheckpointFolder::RemoveUnfinished() const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    std::error_code ignored;
    if (entry.path().filename().string().starts_with(".")) fs::remove_all(entry.path(), ignored);
  }
}

std::vector<int64_t> CheckpointFolder::Steps() const {
  std::vector<int64_t> steps;
  for (const auto& found : FindSteps(folder_)) steps.push_back(found.first);
  return steps;
}

std::string CheckpointFolder::ContinuationText() const {
  for (const auto& [step, path] : FindSteps(folder_)) {
    if (IsComplete(path, step))
      return fmt::format("The same command continues from the checkpoint of step {}", step);
  }
  return "There is no checkpoint yet, and the same command begins again";
}

std::string CheckpointFolder::Write(int64_t step, const TensorMap& tensors, const json& settings,
                                    const json& identity, int64_t spare) const {
  const int64_t keep = keep_ + spare;
  const fs::path target = fs::path(folder_) / fmt::format("{}{}", kPrefix, step);
  const fs::path temporary = fs::path(folder_) / fmt::format(".step-{}.tmp", step);
  std::error_code error;
  fs::remove_all(temporary, error);
  try {
    fs::create_directories(temporary);
    MakeRoom(step, BytesOf(tensors), keep);
    CheckRoom(temporary, BytesOf(tensors));
    const std::string digest = WriteTensors((temporary / kTensors).string(), tensors, step);
    const json state{{"step", step},
                     {kVersion, kCurrentVersion},
                     {kDigest, digest},
                     {kFingerprint, {{kSettings, settings}, {kIdentity, identity}}}};
    WriteAtomically((temporary / kState).string(), state.dump(2) + "\n");
    FlushFolder(temporary);
    fs::remove_all(target);
    fs::rename(temporary, target);
    FlushFolder(folder_);
  } catch (...) {
    const Error cause = CurrentError();
    fs::remove_all(temporary, error);
    Fail("cannot write the checkpoint of step {}: {}; {}", step, cause.what(),
         EarlierText(folder_, step));
  }
  RemoveAll(Old(step, keep));
  return target.string();
}

// First those that a larger `keep` left. What would not make room enough stays.
void CheckpointFolder::MakeRoom(int64_t step, int64_t bytes, int64_t keep) const {
  for (const int64_t kept : {keep, std::max<int64_t>(keep - 1, 1)}) {
    const int64_t free = FreeBytes(folder_).value_or(bytes);
    if (free >= bytes) return;
    const std::vector<std::string> old = Old(step, kept);
    if (free + BytesOf(old) >= bytes) RemoveAll(old);
  }
}

std::vector<std::string> CheckpointFolder::Old(int64_t newest, int64_t keep) const {
  std::vector<std::string> old;
  int64_t kept = 0;
  for (const auto& [step, path] : FindSteps(folder_)) {
    if (step > newest) continue;
    if (kept >= keep) {
      old.push_back(path.string());
    } else if (step == newest || IsComplete(path, step)) {
      ++kept;
    }
  }
  return old;
}

std::optional<Checkpoint> CheckpointFolder::Newest() const {
  const auto steps = FindSteps(folder_);
  for (const auto& [step, path] : steps) {
    try {
      return ReadCheckpoint(path, step);
    } catch (const std::exception& error) {
      spdlog::warn("skipping the checkpoint {}: {}", path.string(), error.what());
    }
  }
  T3_CHECK(steps.empty(),
           "no checkpoint in {} can be read; restore one, or remove that folder to begin again",
           folder_);
  return std::nullopt;
}

void CheckSameRun(const Checkpoint& checkpoint, const TrainConfig& config, const json& identity) {
  std::vector<std::string> differences, unrecorded;
  for (const std::string& text :
       config.settings.DifferencesFrom(checkpoint.settings, checkpoint.identity))
    differences.push_back("config/" + text);
  for (const json::json_pointer& place : JsonDifferences(checkpoint.identity, identity)) {
    if (checkpoint.is_earlier && !checkpoint.identity.contains(place)) {
      unrecorded.push_back("model" + place.to_string());
    } else {
      differences.push_back("model/" + DifferenceText(place, checkpoint.identity, identity));
    }
  }
  T3_CHECK(differences.empty(),
           "the checkpoint {} belongs to another run: {}; set another \"output\", or restore these "
           "settings",
           checkpoint.path, fmt::join(differences, "; "));
  if (unrecorded.empty()) return;
  spdlog::warn(
      "the checkpoint {} is of an earlier version, which did not record {}, so these are not "
      "compared; resume only with the files and settings that it was trained with",
      checkpoint.path, fmt::join(unrecorded, ", "));
}

void CheckStepsLeft(const Checkpoint& checkpoint, const TrainConfig& config) {
  T3_CHECK(checkpoint.step <= config.steps,
           "the checkpoint {} is of step {}, beyond \"steps\" {}, so nothing would be trained; "
           "\"steps\" {} writes its model again, more steps continue, and another \"output\" "
           "begins a run of {}",
           checkpoint.path, checkpoint.step, config.steps, checkpoint.step,
           Counted(config.steps, "step"));
}

}  // namespace t3
