// LoRAs by stage, and as text.
#include "loading/stage_loras.h"

#include <cmath>
#include <filesystem>

#include "base/check.h"
#include "base/parse_number.h"
#include "t3video/request_options.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool HasField(const json& t3_json, const char* field) {
  return t3_json.is_object() && t3_json.contains(field);
}

bool IsWithinFolder(const fs::path& file) {
  const fs::path plain = file.lexically_normal();
  return !plain.empty() && plain.is_relative() && *plain.begin() != "..";
}

// One field of t3.json.
class FolderField {
 public:
  FolderField(const ModelPaths& paths, const json& t3_json, const char* field)
      : folder_(paths.folder),
        value_(t3_json.at(field)),
        where_(fmt::format("{}: \"{}\"", paths.defaults, field)) {}

  std::vector<ChosenLora> Take() const {
    if (value_ == "none") return {};
    std::vector<ChosenLora> loras;
    for (const json& item : value_.is_array() ? value_ : json::array({value_})) {
      T3_CHECK(item.is_string(),
               "{} is {}, wanted a file of the folder, a list of files, or \"none\"", where_,
               value_.dump());
      loras.push_back({Find(Parse(item.get<std::string>())), LoraOrigin::kFolder, where_});
    }
    return loras;
  }

 private:
  Lora Parse(const std::string& text) const {
    try {
      return ParseLora(text);
    } catch (const Error& error) {
      throw Error(fmt::format("{}: {}", where_, error.what()), error.kind());
    }
  }

  Lora Find(const Lora& named) const {
    T3_CHECK(IsWithinFolder(named.path),
             "{} names \"{}\", wanted a file within the folder, by its path from there", where_,
             named.path);
    const fs::path file = folder_ / named.path;
    std::error_code ignored;
    T3_CHECK(fs::is_regular_file(file, ignored), "{} names {}, {}; `lora` none runs without it",
             where_, file.string(),
             fs::exists(file, ignored) ? "which is not a file" : "and there is no such file");
    return {file.string(), named.scale};
  }

  fs::path folder_;
  const json& value_;
  std::string where_;
};

std::vector<ChosenLora> WithOrigin(const std::vector<Lora>& loras, LoraOrigin origin) {
  std::vector<ChosenLora> chosen;
  for (const Lora& lora : loras) chosen.push_back({lora, origin});
  return chosen;
}

void Append(const std::vector<ChosenLora>& more, std::vector<ChosenLora>& loras) {
  loras.insert(loras.end(), more.begin(), more.end());
}

}  // namespace

Lora ParseLora(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {std::string(text), 1};
  const std::optional<double> scale = ParseNumber<double>(text.substr(colon + 1));
  if (!scale) return {std::string(text), 1};
  const Lora lora{std::string(text.substr(0, colon)), *scale};
  CheckLoraScale(lora);
  return lora;
}

void CheckLoraScale(const Lora& lora) {
  if (!(std::abs(lora.scale) <= kMaxLoraScale)) {  // NaN is not either
    FailUsage("the scale {} of the LoRA {} is outside {} to {}", lora.scale, lora.path,
              -kMaxLoraScale, kMaxLoraScale);
  }
}

bool NamesLoras(const ModelPaths& paths, const json& t3_json) {
  return paths.dit_from_folder &&
         (HasField(t3_json, kLoraField) || HasField(t3_json, kRefinerLoraField));
}

StageLoras ChooseLoras(const ModelFiles& files, const ModelPaths& paths, const json& t3_json) {
  StageLoras chosen;
  if (files.loras) {
    chosen.generate = chosen.refine = WithOrigin(*files.loras, LoraOrigin::kGiven);
  } else if (NamesLoras(paths, t3_json)) {
    if (HasField(t3_json, kLoraField))
      chosen.generate = chosen.refine = FolderField(paths, t3_json, kLoraField).Take();
    if (HasField(t3_json, kRefinerLoraField))
      chosen.refine = FolderField(paths, t3_json, kRefinerLoraField).Take();
  }
  const std::vector<ChosenLora> added = WithOrigin(files.added_loras, LoraOrigin::kAdded);
  Append(added, chosen.generate);
  Append(added, chosen.refine);
  return chosen;
}

}  // namespace t3
