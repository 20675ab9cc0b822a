// Finds clips in folders, prompts in records and prompt files, reference clips by name.
#include "score/run/clip_set.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/check.h"
#include "base/json.h"
#include "media/extension.h"
#include "t3video/tools.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool IsVideoFile(const fs::path& path) {
  return kVideoExtensions.contains(Extension(path)) && !path.filename().string().starts_with('.');
}

// A folder of pictures is one clip.
bool IsFrameFolder(const fs::path& path) {
  std::error_code ignored;
  bool frames = false;
  for (const auto& entry : fs::directory_iterator(path, ignored)) {
    if (IsVideoFile(entry.path()) || entry.is_directory(ignored)) return false;
    frames = frames || Extension(entry.path()) == ".png";
  }
  return frames;
}

bool IsClip(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) ? IsFrameFolder(path) : IsVideoFile(path);
}

std::vector<fs::path> ClipsInFolder(const fs::path& folder) {
  std::vector<fs::path> clips;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (IsClip(entry.path())) clips.push_back(entry.path());
  }
  std::ranges::sort(clips);
  return clips;
}

fs::path WithoutSlash(const std::string& text) {
  const fs::path path(text);
  return path.has_filename() || !path.has_parent_path() ? path : path.parent_path();
}

std::string NameOf(const fs::path& path) {
  std::error_code ignored;
  return (fs::is_directory(path, ignored) ? path.filename() : path.stem()).string();
}

json ReadJsonIfAny(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return nullptr;
  try {
    return ReadJson(path.string(), kLongLists);
  } catch (const Error&) {
    return nullptr;
  }
}

// The text of `prompt` in an object, or "".
std::string PromptIn(const json& object) {
  if (!object.is_object()) return "";
  const auto found = object.find("prompt");
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// job.json of a folder: file names to prompts, of all its jobs.
std::map<std::string, std::string> JobOutputs(const fs::path& folder) {
  std::map<std::string, std::string> outputs;
  const auto add = [&](const json& job) {
    if (!job.is_object() || !job.contains("prompts") || !job["prompts"].is_array()) return;
    for (const json& entry : job["prompts"]) {
      if (!entry.is_object() || !entry.contains("outputs")) continue;
      for (const json& name : entry["outputs"]) {
        if (name.is_string()) outputs[name.get<std::string>()] = PromptIn(entry);
      }
    }
  };
  const json latest = ReadJsonIfAny(folder / "job.json");
  add(latest);
  if (latest.is_object() && latest.contains("earlier")) {
    for (const json& job : latest["earlier"]) add(job);
  }
  return outputs;
}

// The same of several folders, each read once.
class JobPrompts {
 public:
  const std::map<std::string, std::string>& Of(const fs::path& folder) {
    const auto [at, added] = folders_.try_emplace(folder.string());
    if (added) at->second = JobOutputs(folder);
    return at->second;
  }

 private:
  std::map<std::string, std::map<std::string, std::string>> folders_;
};

// Prompts by what a prompt file says of its entries.
class PromptList {
 public:
  explicit PromptList(const std::string& path) : path_(path), entries_(ReadPromptFile(path)) {
    for (const PromptEntry& entry : entries_) {
      for (const auto& [name, text] : entry.options) {
        if ((name == "data-file" || name == "file") && !text.empty())
          by_file_[fs::path(text).stem().string()] = &entry;
      }
    }
  }

  // By the entry's file, else by the number before the first hyphen of the clip's name (t3 generate
  // names its outputs so), else the only entry for an only clip.
  void Find(SetClip& clip, bool only) const {
    const PromptEntry* entry = EntryOf(clip.name);
    if (entry == nullptr && only && entries_.size() == 1) entry = &entries_.front();
    if (entry == nullptr) {
      clip.no_prompt = fmt::format(
          "no entry of {} has the file or the number of {}; name it NUMBER-....mp4, or add a field "
          "data_file",
          path_, clip.name);
    } else if (!entry->error.empty()) {
      clip.no_prompt = fmt::format("entry {} of {}: {}", entry->number, path_, entry->error);
    } else {
      clip.prompt = entry->prompt;
    }
  }

 private:
  const PromptEntry* EntryOf(const std::string& name) const {
    const auto found = by_file_.find(fs::path(name).filename().string());
    if (found != by_file_.end()) return found->second;
    const std::string digits = fs::path(name).filename().string().substr(0, name.find('-'));
    const bool number = !digits.empty() && digits.size() <= 9 &&
                        digits.find_first_not_of("0123456789") == std::string::npos;
    if (!number) return nullptr;
    const auto entry = std::ranges::find(entries_, std::stoll(digits), &PromptEntry::number);
    return entry == entries_.end() ? nullptr : &*entry;
  }

  std::string path_;
  std::vector<PromptEntry> entries_;
  std::map<std::string, const PromptEntry*> by_file_;
};

// The prompt of the clip's record or of the folder's job.
void FindRecorded(SetClip& clip, JobPrompts& jobs) {
  const fs::path path(clip.path);
  const json record = ReadJsonIfAny(clip.path + ".json");
  if (record.is_object() && record.contains("settings")) clip.prompt = PromptIn(record["settings"]);
  if (clip.prompt.empty()) {
    const auto& outputs = jobs.Of(path.parent_path());
    const auto found = outputs.find(path.filename().string());
    if (found != outputs.end()) clip.prompt = found->second;
  }
  if (clip.prompt.empty())
    clip.no_prompt = fmt::format("{} has no record with a prompt; give `prompts` FILE", clip.path);
}

// NAME with any extension of a video, or a folder NAME of frames.
std::string ReferenceOf(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  const std::string stem = fs::path(name).filename().string();
  if (fs::is_directory(folder / stem, ignored)) return (folder / stem).string();
  for (const std::string& extension : kVideoExtensions) {
    const fs::path path = folder / (stem + extension);
    if (fs::exists(path, ignored)) return path.string();
  }
  return "";
}

void FindReference(SetClip& clip, const std::string& reference, bool only) {
  if (reference.empty()) return;
  if (IsClip(WithoutSlash(reference))) {
    if (!only) FailUsage("`reference` {} is one clip; wanted a folder, one for each", reference);
    clip.reference = WithoutSlash(reference).string();
    return;
  }
  clip.reference = ReferenceOf(reference, clip.name);
  if (clip.reference.empty())
    clip.no_reference = fmt::format("{} has no clip named {}", reference, clip.name);
}

void AddInput(const std::string& input, std::vector<SetClip>& clips, JobPrompts& jobs,
              ScoreResult& result) {
  const fs::path path = WithoutSlash(input);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    result.failures.push_back({"", fmt::format("{}: there is no such file or folder", input)});
    return;
  }
  const auto add = [&](const fs::path& clip) {
    clips.push_back({NameOf(clip), clip.string(), {}, {}, {}, {}});
  };
  if (!fs::is_directory(path, ignored) || IsFrameFolder(path)) return add(path);
  const std::vector<fs::path> found = ClipsInFolder(path);
  for (const fs::path& clip : found) add(clip);
  bool missing = false;
  for (const auto& [name, prompt] : jobs.Of(path)) {
    if (fs::exists(path / name, ignored)) continue;
    missing = true;
    result.failures.push_back(
        {"", fmt::format("{}: job.json names it, but it is not there; `t3 resume {}` makes it",
                         (path / name).string(), input)});
  }
  if (found.empty() && !missing)
    result.failures.push_back({"", fmt::format("{} holds no video", input)});
}

// Names that several clips have get the folder before them, then a number.
void MakeUnique(std::vector<SetClip>& clips) {
  std::map<std::string, int> count;
  for (const SetClip& clip : clips) ++count[clip.name];
  std::set<std::string> taken;
  for (SetClip& clip : clips) {
    if (count[clip.name] > 1)
      clip.name = fs::absolute(clip.path).parent_path().filename().string() + "/" + clip.name;
    const std::string base = clip.name;
    for (int i = 2; !taken.insert(clip.name).second; ++i) clip.name = fmt::format("{}-{}", base, i);
  }
}

}  // namespace

std::vector<SetClip> ClipsOf(const ScoreRequest& request, ScoreResult& result) {
  std::vector<SetClip> clips;
  JobPrompts jobs;
  for (const std::string& input : request.inputs) AddInput(input, clips, jobs, result);
  MakeUnique(clips);
  const bool only = clips.size() == 1;
  std::optional<PromptList> list;
  if (!request.prompts.empty()) list.emplace(request.prompts);
  if (!request.reference.empty()) {
    std::error_code ignored;
    T3_CHECK(fs::exists(request.reference, ignored),
             "cannot read {}: there is no such file or folder", request.reference);
  }
  for (SetClip& clip : clips) {
    if (list) {
      list->Find(clip, only);
    } else {
      FindRecorded(clip, jobs);
    }
    FindReference(clip, request.reference, only);
  }
  return clips;
}

}  // namespace t3
