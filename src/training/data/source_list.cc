// Folders with NAME.txt files, JSON lists and JSON lines.
#include "training/data/source_list.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/check.h"
#include "base/text.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::set<std::string> kVideoEndings{".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v", ".y4m"};
const std::set<std::string> kImageEndings{".png", ".jpg", ".jpeg", ".webp"};

std::string EndingOf(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending;
}

bool IsImage(const fs::path& path) { return kImageEndings.contains(EndingOf(path)); }
bool IsMedia(const fs::path& path) {
  return IsImage(path) || kVideoEndings.contains(EndingOf(path));
}

std::string ReadText(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  T3_CHECK(file.good() || file.eof(), "cannot read {}", path.string());
  return text.str();
}

std::string Trimmed(const std::string& text) {
  constexpr char kSpace[] = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// Checks what both kinds of source have in common.
class Collector {
 public:
  explicit Collector(fs::path folder) : folder_(std::move(folder)) {}

  void Add(const std::string& name, const std::string& caption) {
    const fs::path path = fs::path(name).is_absolute() ? fs::path(name) : folder_ / name;
    std::error_code ignored;
    if (!fs::exists(path, ignored)) return Reject(name, "there is no such file");
    if (!fs::is_directory(path, ignored) && !IsMedia(path)) {
      return Reject(name, "its ending is of no known video or image format");
    }
    const std::string real = fs::weakly_canonical(path, ignored).string();
    if (!seen_.insert(real).second) return Reject(name, "the list has it twice; the first counts");
    if (!IsUtf8(caption)) return Reject(name, "its caption is not UTF-8 text");
    const std::string trimmed = Trimmed(caption);
    if (trimmed.empty()) return Reject(name, "its caption is empty");
    list_.sources.push_back({name, path.string(), trimmed, IsImage(path)});
  }
  void Reject(const std::string& name, const std::string& reason) {
    list_.rejected.push_back({name, reason});
  }
  SourceList Take() { return std::move(list_); }

 private:
  fs::path folder_;
  std::set<std::string> seen_;
  SourceList list_;
};

SourceList ReadFolder(const fs::path& folder) {
  std::vector<fs::path> media, captions;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path name = fs::relative(entry.path(), folder);
    if (!entry.is_regular_file() || name.filename().string().starts_with('.')) continue;
    if (IsMedia(name)) media.push_back(name);
    if (EndingOf(name) == ".txt") captions.push_back(name);
  }
  std::sort(media.begin(), media.end());
  Collector collector(folder);
  std::set<fs::path> used;
  for (const fs::path& name : media) {
    const fs::path caption = fs::path(name).replace_extension(".txt");
    if (std::find(captions.begin(), captions.end(), caption) == captions.end()) {
      collector.Reject(name.string(), "it has no caption; wanted " + caption.string());
      continue;
    }
    used.insert(caption);
    collector.Add(name.string(), ReadText(folder / caption));
  }
  for (const fs::path& caption : captions) {
    if (!used.contains(caption)) {
      collector.Reject(caption.string(), "a caption without a video or image of its name");
    }
  }
  return collector.Take();
}

// "no field \"file\"; it has path, text"; empty when the entry is in order.
std::string FaultOf(const json& entry) {
  if (!entry.is_object()) {
    return fmt::format("it is a JSON {}, wanted {{\"file\": ..., \"caption\": ...}}",
                       entry.type_name());
  }
  for (const char* field : {"file", "caption"}) {
    const auto found = entry.find(field);
    if (found == entry.end()) {
      std::vector<std::string> names;
      for (const auto& [name, value] : entry.items()) names.push_back(name);
      return fmt::format("it has no field \"{}\"; its fields are: {}", field,
                         fmt::join(names, ", "));
    }
    if (!found->is_string()) {
      return fmt::format("\"{}\" is a JSON {}, wanted a string", field, found->type_name());
    }
  }
  return "";
}

void AddEntry(Collector& collector, const std::string& place, const json& entry) {
  const std::string fault = FaultOf(entry);
  if (fault.empty()) return collector.Add(entry["file"], entry["caption"]);
  const bool named = entry.is_object() && entry.contains("file") && entry["file"].is_string();
  collector.Reject(named ? entry["file"].get<std::string>() : place, fault);
}

SourceList ReadList(const fs::path& path) {
  Collector collector(path.parent_path());
  const std::string text = ReadText(path);
  const bool lines = EndingOf(path) == ".jsonl";
  int64_t number = 0;
  const auto place = [&] { return fmt::format("{}:{}", path.filename().string(), number); };
  if (!lines) {
    const json list = json::parse(text, nullptr, /*allow_exceptions=*/false);
    T3_CHECK(list.is_array(), "{} is {}; wanted a list [{{\"file\": ..., \"caption\": ...}}, ...]",
             path.string(),
             list.is_discarded() ? "no valid JSON" : "a JSON " + std::string(list.type_name()));
    for (const json& entry : list) {
      ++number;
      AddEntry(collector, place(), entry);
    }
    return collector.Take();
  }
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (Trimmed(line).empty()) continue;
    const json entry = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (entry.is_discarded()) {
      collector.Reject(place(), "the line is no valid JSON");
    } else {
      AddEntry(collector, place(), entry);
    }
  }
  return collector.Take();
}

}  // namespace

SourceList ReadSources(const std::string& source) {
  const fs::path path(source);
  std::error_code ignored;
  T3_CHECK(fs::exists(path, ignored), "{}: there is no such file or folder", source);
  if (fs::is_directory(path)) {
    const fs::path list = path / "captions.json";
    return fs::exists(list, ignored) ? ReadList(list) : ReadFolder(path);
  }
  const std::string ending = EndingOf(path);
  if (ending != ".json" && ending != ".jsonl") {
    FailUsage("{} is no source of videos; wanted a folder, a .json or a .jsonl file", source);
  }
  return ReadList(path);
}

}  // namespace t3
