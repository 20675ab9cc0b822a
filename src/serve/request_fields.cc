// The table, and names looked up in it.
#include "serve/request_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "base/nearest.h"
#include "base/text.h"
#include "serve/api_error.h"
#include "t3video/request_options.h"

namespace t3::serve {
namespace {

// Numbers beyond are not exact in JavaScript.
constexpr double kMaxSeed = 9007199254740991.0;

constexpr std::array<Field, 20> kFields{{
    {"prompt", FieldType::kText, "prompt", 1, kMaxPromptCharacters},
    {"model", FieldType::kText, "", 1, 200},
    {"negative_prompt", FieldType::kText, "negative-prompt", 0, kMaxPromptCharacters},
    {"size", FieldType::kSize, "size"},
    {"seconds", FieldType::kNumber, "", 0.001, 3600},
    {"num_frames", FieldType::kInteger, "frames", 1, 0, "", FieldUse::kBoth, &Limits::max_frames},
    {"fps", FieldType::kNumber, "fps", 1, 120},
    {"seed", FieldType::kInteger, "seed", 0, kMaxSeed},
    {"num_inference_steps", FieldType::kInteger, "steps", 1, 0, "", FieldUse::kBoth,
     &Limits::max_steps},
    {"guidance_scale", FieldType::kNumber, "guidance", 0, 100},
    {"flow_shift", FieldType::kNumber, "shift", 0.001, 100},
    {"sampler", FieldType::kName, "sampler", 0, 0, "euler unipc renoise rcm"},
    {"source_video", FieldType::kVideoId, ""},
    {"strength", FieldType::kNumber, "strength", 0, 1},
    {"draft", FieldType::kSizeOrNone, "draft"},
    {"draft_steps", FieldType::kInteger, "draft-steps", 1, 0, "", FieldUse::kBoth,
     &Limits::max_steps},
    {"loras", FieldType::kLoras, ""},
    {"model_loras", FieldType::kName, "", 0, 0, "none"},
    {"input", FieldType::kName, "", 0, 0, "image video", FieldUse::kPlan},
    {"input_reference", FieldType::kText, "", 0, 0, "", FieldUse::kSubmission},
}};

const Field* FindField(const std::string& name, FieldUse use) {
  const auto found = std::ranges::find_if(kFields, [&](const Field& f) { return f.name == name; });
  if (found == kFields.end()) return nullptr;
  return found->use == FieldUse::kBoth || found->use == use ? &*found : nullptr;
}

// What else the library's messages name, as a client of the server has it.
struct OtherName {
  const char* name;
  const char* text;
};
constexpr std::array<OtherName, 4> kOtherNames{{
    {"image", "`input_reference`"},
    {"video", "`input_reference` or `source_video`"},
    {"lora", "`model_loras`"},
    {"t3 plan", "`POST /v1/videos/plan`"},
}};

// By what a message has between backticks. Options of the model and the machine are those of
// whoever started the server.
std::map<std::string, std::string> NamesForClients() {
  std::map<std::string, std::string> names;
  for (const OtherName& other : kOtherNames) names.emplace(other.name, other.text);
  for (const Field& field : kFields)
    if (*field.option != '\0') names.emplace(field.option, fmt::format("`{}`", field.name));
  const auto add_flag = [&](const Option& option, const auto&) {
    names.emplace(option.name, fmt::format("the server's `--{}`", option.name));
  };
  const ModelFiles model{};
  const RunOptions machine{};
  VisitModelOptions(model, add_flag);
  VisitMachineOptions(machine, add_flag);
  return names;
}

}  // namespace

std::span<const Field> RequestFields() { return kFields; }

const Field& FieldOf(const std::string& name, FieldUse use) {
  if (const Field* field = FindField(name, use)) return *field;
  std::vector<std::string> names;
  for (const Field& field : kFields)
    if (FindField(field.name, use) != nullptr) names.emplace_back(field.name);
  const std::string shown = CutToBytes(ReplaceInvalidUtf8(name), 80);
  throw ApiError(400, "unknown_field",
                 fmt::format("there is no field {}{}; the fields are {}", Quote(shown),
                             DidYouMean(shown, names), fmt::join(names, ", ")),
                 shown);
}

std::string WithFieldNames(const std::string& message) {
  static const std::map<std::string, std::string> names = NamesForClients();
  std::string text;
  size_t at = 0;
  for (;;) {
    const size_t open = message.find('`', at);
    const size_t close = open == std::string::npos ? open : message.find('`', open + 1);
    if (close == std::string::npos) return text + message.substr(at);
    const auto found = names.find(message.substr(open + 1, close - open - 1));
    text += message.substr(at, open - at);
    text += found == names.end() ? message.substr(open, close + 1 - open) : found->second;
    at = close + 1;
  }
}

}  // namespace t3::serve
