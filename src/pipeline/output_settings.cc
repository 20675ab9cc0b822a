// The settings that a finished file carries in its metadata.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "pipeline/existing_files.h"
#include "t3video/request_options.h"
#include "t3video/run.h"

namespace t3 {
namespace {

// "t3.negative_prompt" for the option "negative-prompt"; "" where the file does not have it.
std::string ValueOf(const Metadata& metadata, std::string option) {
  std::ranges::replace(option, '-', '_');
  const auto found = metadata.find("t3." + option);
  return found == metadata.end() ? "" : found->second;
}

}  // namespace

std::string OutputSettings(const std::string& path) {
  std::error_code ignored;
  T3_CHECK(std::filesystem::exists(path, ignored), "{}: no such file", path);
  const Metadata metadata = OutputMetadata(path);
  T3_CHECK(metadata.contains("t3.version"), "{} is not a video, latents or a record of t3", path);
  const bool embedded = metadata.contains("t3.text_embeds");
  nlohmann::ordered_json settings = nlohmann::ordered_json::object();
  const Request request;
  VisitRequestOptions(request, [&](const Option& option, const auto&) {
    const std::string text = ValueOf(metadata, option.name);
    // An empty negative prompt is a setting; embeddings carry both prompts.
    const bool prompt = option.group == OptionGroup::kPrompt && !option.path;
    if (prompt ? !embedded : !text.empty()) settings[option.name] = text;
  });
  settings["dtype"] = ValueOf(metadata, "dtype");
  for (const char* option : {"lora", "add-lora"}) {
    const std::string loras = ValueOf(metadata, option);
    for (size_t at = 0; at < loras.size();) {
      const size_t end = std::min(loras.find(';', at), loras.size());
      settings[option].push_back(loras.substr(at, end - at));
      at = end + 1;
    }
  }
  return DumpJson(settings, 2);
}

}  // namespace t3
