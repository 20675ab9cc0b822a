// FindClipFiles.
#include "score/networks/clip_files.h"

#include <array>
#include <filesystem>

#include "base/check.h"
#include "base/json.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 3> kMergeFiles{"merges.txt", "tokenizer.json",
                                                 "bpe_simple_vocab_16e6.txt"};

// `value`.`key` where both are there and `value` is an object; null otherwise.
nlohmann::json Member(const nlohmann::json& value, const char* key) {
  return value.is_object() && value.contains(key) ? value.at(key) : nlohmann::json();
}

bool QuickGeluOfOpenClip(const std::string& config) {
  const nlohmann::json quick = Member(Member(ReadJson(config), "model_cfg"), "quick_gelu");
  return quick.is_boolean() && quick.get<bool>();
}

bool QuickGeluOfTransformers(const std::string& config) {
  const nlohmann::json file = ReadJson(config);
  nlohmann::json activation = Member(Member(file, "vision_config"), "hidden_act");
  if (!activation.is_string()) activation = Member(file, "hidden_act");
  if (!activation.is_string()) return true;
  T3_CHECK(activation == "quick_gelu" || activation == "gelu",
           "{}: `hidden_act` is {}, wanted quick_gelu or gelu", config, activation.dump());
  return activation == "quick_gelu";
}

bool QuickGelu(const fs::path& weights) {
  const std::string open_clip = (weights.parent_path() / "open_clip_config.json").string();
  const std::string transformers = (weights.parent_path() / "config.json").string();
  if (weights.filename().string().starts_with("open_clip") && fs::exists(open_clip)) {
    return QuickGeluOfOpenClip(open_clip);
  }
  return !fs::exists(transformers) || QuickGeluOfTransformers(transformers);
}

}  // namespace

ClipFiles FindClipFiles(const std::string& path) {
  const fs::path weights(path);
  for (const char* name : kMergeFiles) {
    const fs::path merges = weights.parent_path() / name;
    if (fs::exists(merges)) return {merges.string(), QuickGelu(weights)};
  }
  Fail("there are no merges of CLIP's tokenizer beside {}; wanted one of {}", path,
       fmt::join(kMergeFiles, ", "));
}

}  // namespace t3
