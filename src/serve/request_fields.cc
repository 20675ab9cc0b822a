// The table, and names looked up in it.
#include "serve/request_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/nearest.h"
#include "base/text.h"
#include "serve/api_error.h"

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
  std::string text = message;
  const auto rename = [&](const char* from, const char* to) {
    const std::string option = fmt::format("`{}`", from), name = fmt::format("`{}`", to);
    for (size_t at = text.find(option); at != std::string::npos;
         at = text.find(option, at + name.size()))
      text.replace(at, option.size(), name);
  };
  for (const Field& field : kFields) {
    if (*field.option != '\0') rename(field.option, field.name);
  }
  rename("lora", "model_loras");  // not an option that a request sets
  return text;
}

}  // namespace t3::serve
