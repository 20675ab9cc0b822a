// Reads the file, applies overrides and parses for the task.
#include "training/read_config.h"

#include "base/check.h"
#include "base/json.h"
#include "base/text.h"

namespace t3 {
namespace {

using nlohmann::json;

json ValueOf(const std::string& text) {
  try {
    return ParseJson(text, "`set`");
  } catch (const Error&) {
    return text;
  }
}

AnyTrainConfig Parse(const json& document, const std::string& source) {
  std::string task = "dit";
  JsonFields(document, source).TakeName("task", {"dit", "distill", "vae"}, &task);
  if (task == "vae") return ParseVaeTrainConfig(document, source);
  if (task == "distill") return ParseDistillConfig(document, source);
  return ParseDitTrainConfig(document, source);
}

TrainConfig& Shared(AnyTrainConfig& any) {
  return std::visit([](auto& config) -> TrainConfig& { return config; }, any);
}

// For ResumeSettings: the same task with the same values of every field.
ResumeSettings::SameFn SameAs(const AnyTrainConfig& run) {
  return [run](const json& document) {
    AnyTrainConfig own = run, other = Parse(document, Shared(own).source);
    Shared(other).started = Shared(own).started;
    return other == own;
  };
}

}  // namespace

void Override(const std::string& assignment, json* document) {
  if (!IsUtf8(assignment)) FailUsage("`set` {} is not UTF-8 text", Quote(assignment));
  const size_t equals = assignment.find('=');
  if (equals == 0 || equals == std::string::npos) {
    FailUsage("`set` {}: wanted FIELD=VALUE, such as optimizer.lr=1e-4", Quote(assignment));
  }
  json* place = document;
  std::string_view path = std::string_view(assignment).substr(0, equals);
  while (true) {
    const size_t dot = path.find('.');
    if (!place->is_object() && !place->is_null()) {
      FailUsage("`set` {}: \"{}\" would be a field of a JSON {}, which has none", Quote(assignment),
                path, place->type_name());
    }
    place = &(*place)[std::string(path.substr(0, dot))];
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  *place = ValueOf(assignment.substr(equals + 1));
}

AnyTrainConfig ReadTrainConfig(const std::string& path, const std::vector<std::string>& overrides) {
  json document = ReadJson(path);
  T3_CHECK(document.is_object(), "{} is a JSON {}, wanted an object", path, document.type_name());
  for (const std::string& assignment : overrides) Override(assignment, &document);
  AnyTrainConfig any = Parse(document, path);
  Shared(any).settings.CompareBy(SameAs(any));
  return any;
}

}  // namespace t3
