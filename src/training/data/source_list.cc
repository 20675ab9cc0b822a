// Folders with NAME.txt files, JSON lists and JSON lines.
#include "training/data/source_list.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/check.h"
#include "base/json.h"
#include "base/text.h"
#include "media/extension.h"
#include "training/data/source_folder.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string ReadText(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  T3_CHECK(file.good() || file.eof(), "cannot read {}", path.string());
  return text.str();
}

// Without white space at the ends and the mark that some editors put before UTF-8.
std::string Trimmed(std::string_view text) {
  constexpr std::string_view kMark = "\xef\xbb\xbf", kSpace = " \t\r\n";
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kSpace) - begin + 1));
}

// Checks that folders and lists share.
class Collector {
 public:
  explicit Collector(fs::path folder) : folder_(std::move(folder)) {}

  void Add(const std::string& name, const std::string& caption) {
    const fs::path path = fs::path(name).is_absolute() ? fs::path(name) : folder_ / name;
    std::error_code ignored;
    if (!fs::exists(path, ignored)) return Reject(name, "there is no such file");
    if (!fs::is_directory(path, ignored) && !IsMediaName(path)) {
      return Reject(name, "its extension is not of a known video or image format");
    }
    const std::string real = fs::weakly_canonical(path, ignored).string();
    const auto [first, fresh] = seen_.emplace(real, name);
    if (!fresh) return Reject(name, "it is the same file as " + first->second + ", which counts");
    if (!IsUtf8(caption)) return Reject(name, "its caption is not UTF-8 text");
    const std::string trimmed = Trimmed(caption);
    if (trimmed.empty()) return Reject(name, "its caption is empty");
    list_.sources.push_back({name, path.string(), trimmed, IsImageName(path)});
  }
  void Reject(const std::string& name, const std::string& reason) {
    list_.rejected.push_back({name, reason});
  }
  SourceList Take() { return std::move(list_); }

 private:
  fs::path folder_;
  std::map<std::string, std::string> seen_;  // real path -> first name
  SourceList list_;
};

SourceList ReadFolder(const fs::path& folder) {
  FolderContents contents = WalkFolder(folder);
  Collector collector(folder);
  for (const FoundMedia& media : contents.media) {
    try {
      collector.Add(media.name, ReadText(folder / media.caption));
    } catch (const Error& error) {
      collector.Reject(media.name, error.what());
    }
  }
  SourceList list = collector.Take();
  list.rejected.insert(list.rejected.end(), contents.rejected.begin(), contents.rejected.end());
  return list;
}

// "it has no field \"file\"; its fields are: path, text"; empty when the entry is in order.
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
  int64_t number = 0;
  const auto place = [&] { return fmt::format("{}:{}", path.filename().string(), number); };
  if (Extension(path) != ".jsonl") {
    const json list = ReadJson(path.string(), kLongLists);
    T3_CHECK(list.is_array(),
             "{} is a JSON {}; wanted a list [{{\"file\": ..., \"caption\": ...}}, ...]",
             path.string(), list.type_name());
    for (const json& entry : list) {
      ++number;
      AddEntry(collector, place(), entry);
    }
    return collector.Take();
  }
  std::istringstream stream(ReadText(path));
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (Trimmed(line).empty()) continue;
    try {
      AddEntry(collector, place(), ParseJson(line, "the line"));
    } catch (const Error& error) {
      collector.Reject(place(), error.what());
    }
  }
  return collector.Take();
}

// The folder's captions.json, whatever the case of its letters; empty when there is none.
fs::path ListIn(const fs::path& folder) {
  constexpr std::string_view kName = "captions.json";
  std::error_code failure;
  if (fs::exists(folder / kName, failure)) return folder / kName;
  fs::directory_iterator entry(folder, failure);
  for (; !failure && entry != fs::directory_iterator(); entry.increment(failure)) {
    const fs::path name = entry->path().filename();
    if (AsciiLowerCase(name.string()) == kName) return folder / name;
  }
  return {};
}

}  // namespace

SourceList ReadSources(const std::string& source) {
  const fs::path path(source);
  std::error_code ignored;
  T3_CHECK(fs::exists(path, ignored), "{}: there is no such file or folder", source);
  if (fs::is_directory(path, ignored)) {
    const fs::path list = ListIn(path);
    return list.empty() ? ReadFolder(path) : ReadList(list);
  }
  const std::string extension = Extension(path);
  if (extension != ".json" && extension != ".jsonl") {
    FailUsage("{} is not a source of videos; wanted a folder, a .json or a .jsonl file", source);
  }
  return ReadList(path);
}

}  // namespace t3
