// Names and search of state files.
#include "pipeline/state/state_places.h"

#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "base/check.h"
#include "base/path_text.h"
#include "base/target_path.h"
#include "base/text.h"
#include "weights/weight_file.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCheckpoint = ".checkpoint.safetensors";
constexpr const char* kLatents = ".latents.safetensors";

std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// Room is left for the number of a file elsewhere and for temporaries.
std::string Beside(const std::string& output, const std::string& suffix) {
  constexpr size_t kReserve = 16;
  const fs::path path(WithoutSlashes(output));
  const std::string name =
      ShortenName(path.filename().string(), kMaxNameBytes - kReserve - suffix.size());
  return (path.parent_path() / (name + suffix)).string();
}

bool IsThere(const std::string& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

// "NAME.safetensors", "NAME-2.safetensors" and so on in `folder`: outputs of several folders may
// have one name.
std::vector<std::string> Places(const fs::path& folder, const std::string& beside) {
  constexpr int kPlaces = 16;
  const fs::path name = fs::path(beside).filename();
  std::vector<std::string> places{(folder / name).string()};
  for (int i = 2; i <= kPlaces; ++i) {
    const std::string numbered =
        fmt::format("{}-{}{}", name.stem().string(), i, name.extension().string());
    places.push_back((folder / numbered).string());
  }
  return places;
}

// The folder for temporary files is everybody's: what others put there is not read.
bool IsOwnFile(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == ::geteuid();
}

// nullopt where it is not a file of this user, or not a readable one.
std::optional<Metadata> MetadataOf(const std::string& path) {
  if (!IsOwnFile(path)) return std::nullopt;
  try {
    return WeightFile::Open(path, FileOrigin::kOwn)->metadata();
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string ValueOr(const Metadata& metadata, const std::string& key, const std::string& other) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? other : found->second;
}

bool NamesOutput(const Metadata& metadata, const std::string& name) {
  return WithoutSlashes(ValueOr(metadata, kOutputKey, "")) == WithoutSlashes(name);
}

void AddStates(const std::string& output, const char* suffix, std::vector<std::string>& files) {
  const std::string beside = Beside(output, suffix);
  if (IsThere(beside)) files.push_back(beside);
  for (const fs::path& folder : OtherFolders()) {
    for (const std::string& place : Places(folder, beside)) {
      const std::optional<Metadata> metadata = MetadataOf(place);
      if (metadata && NamesOutput(*metadata, OutputName(output))) files.push_back(place);
    }
  }
}

}  // namespace

std::string OutputName(const std::string& output) {
  return PathToText(fs::absolute(output).lexically_normal().string());
}

std::string CheckpointBeside(const std::string& output) { return Beside(output, kCheckpoint); }

std::string LatentsBeside(const std::string& output) { return Beside(output, kLatents); }

std::vector<fs::path> OtherFolders() {
  std::error_code ignored;
  std::vector<fs::path> folders{fs::current_path(ignored), fs::temp_directory_path(ignored)};
  std::erase(folders, fs::path());
  if (folders.size() == 2 && folders[0] == folders[1]) folders.pop_back();
  return folders;
}

std::string FreePlace(const fs::path& folder, const std::string& beside, const Metadata& metadata) {
  for (const std::string& place : Places(folder, beside)) {
    if (!IsThere(place)) return place;
    const std::optional<Metadata> there = MetadataOf(place);
    const bool same_run = there && NamesOutput(*there, metadata.at(kOutputKey)) &&
                          ValueOr(*there, kInputsKey, "") == metadata.at(kInputsKey);
    if (same_run) return place;
  }
  return "";
}

std::vector<std::string> StateFiles(const std::string& output) {
  std::vector<std::string> files;
  if (output.empty()) return files;
  AddStates(output, kLatents, files);
  AddStates(output, kCheckpoint, files);
  return files;
}

}  // namespace t3
