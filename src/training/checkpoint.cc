// Writing and finding checkpoints.
#include "training/checkpoint.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/log.h"
#include "base/mapped_file.h"
#include "nn/load.h"
#include "base/json.h"
#include "weights/safetensors_writer.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kPrefix = "step-";
constexpr const char* kTensors = "state.safetensors";
constexpr const char* kState = "state.json";

// A folder's entries are on disk only once the folder itself is flushed.
void FlushFolder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool flushed = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  T3_CHECK(flushed, "cannot flush the folder {}", folder.string());
}

// One tensor at a time on the host.
void WriteTensors(const std::string& path, const TensorMap& tensors) {
  std::vector<TensorInfo> table;
  for (const auto& [name, tensor] : tensors) {
    table.push_back({name, ToDType(tensor.scalar_type()), tensor.sizes().vec()});
  }
  SafetensorsStream stream(path, table, {});
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor data = tensor.detach().cpu().contiguous();
    stream.Write(name, static_cast<const std::byte*>(data.const_data_ptr()),
                 static_cast<int64_t>(data.nbytes()));
  }
  stream.Finish();
}

void WriteState(const std::string& path, const json& state) {
  AtomicFile target(path);
  std::ofstream file(target.temporary());
  file << state.dump(2) << "\n";
  file.close();
  T3_CHECK(file.good(), "cannot write {}; is the disk full?", path);
  target.Commit();
}

// N of "step-N"; nullopt for another name.
std::optional<int64_t> StepOf(const fs::path& folder) {
  const std::string name = folder.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t step = 0;
  const char* begin = name.data() + kPrefix.size();
  const auto [end, error] = std::from_chars(begin, name.data() + name.size(), step);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return step;
}

// Newest first.
std::vector<std::pair<int64_t, fs::path>> FindSteps(const fs::path& folder) {
  std::vector<std::pair<int64_t, fs::path>> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto step = StepOf(entry.path());
    if (step && entry.is_directory()) found.emplace_back(*step, entry.path());
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

Checkpoint ReadCheckpoint(const fs::path& folder, int64_t step) {
  const std::string state_path = (folder / kState).string();
  const MappedFile state_file(state_path);
  const json state = ParseJson(state_file.bytes(), state_path);
  T3_CHECK(state.is_object() && state.value("step", json()).is_number_integer() &&
               state.contains("matters") && state["step"].get<int64_t>() == step,
           "{} is no checkpoint of step {}", state_path, step);
  Checkpoint checkpoint{step, {}, state["matters"], folder.string()};
  const auto file = WeightFile::Open((folder / kTensors).string());
  for (const auto& [name, view] : file->tensors()) checkpoint.tensors[name] = ToTensor(view);
  return checkpoint;
}

}  // namespace

CheckpointFolder::CheckpointFolder(const std::string& output, int64_t keep)
    : folder_((fs::path(output) / "checkpoints").string()), keep_(keep) {
  std::error_code error;
  fs::create_directories(folder_, error);
  T3_CHECK(!error, "cannot make the folder {}: {}", folder_, error.message());
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (entry.path().filename().string().starts_with(".")) fs::remove_all(entry.path(), error);
  }
}

std::string CheckpointFolder::Write(int64_t step, const TensorMap& tensors,
                                    const json& matters) const {
  const fs::path target = fs::path(folder_) / fmt::format("{}{}", kPrefix, step);
  const fs::path temporary = fs::path(folder_) / fmt::format(".step-{}.tmp", step);
  std::error_code error;
  fs::remove_all(temporary, error);
  try {
    fs::create_directory(temporary);
    WriteTensors((temporary / kTensors).string(), tensors);
    WriteState((temporary / kState).string(), {{"step", step}, {"matters", matters}});
    FlushFolder(temporary);
    fs::remove_all(target);
    fs::rename(temporary, target);
    FlushFolder(folder_);
  } catch (const std::exception& cause) {
    fs::remove_all(temporary, error);
    const auto kept = FindSteps(folder_);
    Fail("the checkpoint of step {} could not be written: {}; {}", step, cause.what(),
         kept.empty() ? "there is no earlier one"
                      : fmt::format("the one of step {} stays, so that the same command goes on "
                                    "from it once there is space",
                                    kept[0].first));
  }
  const auto steps = FindSteps(folder_);
  for (size_t i = static_cast<size_t>(keep_); i < steps.size(); ++i) {
    fs::remove_all(steps[i].second, error);
  }
  return target.string();
}

std::optional<Checkpoint> CheckpointFolder::Newest() const {
  for (const auto& [step, path] : FindSteps(folder_)) {
    try {
      return ReadCheckpoint(path, step);
    } catch (const Error& error) {
      spdlog::warn("the checkpoint {} is passed over: {}", path.string(), error.what());
    }
  }
  return std::nullopt;
}

void CheckSameRun(const Checkpoint& checkpoint, const json& matters) {
  std::vector<std::string> differences;
  const json difference = json::diff(checkpoint.matters, matters);
  for (const json& step : difference) {
    const json::json_pointer place(step["path"].get<std::string>());
    const auto text = [&](const json& fields) {
      return fields.contains(place) ? fields[place].dump() : std::string("absent");
    };
    differences.push_back(fmt::format("{} was {}, now {}", place.to_string().substr(1),
                                      text(checkpoint.matters), text(matters)));
  }
  T3_CHECK(differences.empty(),
           "the checkpoint {} is of another run: {}; give another \"output\" folder, or the "
           "settings it was begun with",
           checkpoint.path, fmt::join(differences, "; "));
}

}  // namespace t3
