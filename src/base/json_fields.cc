// Typed fields of a JSON object.
#include "base/json_fields.h"

#include <algorithm>
#include <tuple>

#include "base/nearest.h"

namespace t3 {

JsonFields::JsonFields(const nlohmann::json& object, std::string where)
    : object_(object), where_(std::move(where)) {
  T3_CHECK(object_.is_object(), "{} is a JSON {}, wanted an object", where_, object_.type_name());
}

const nlohmann::json* JsonFields::Find(const std::string& key) {
  taken_.insert(key);
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

void JsonFields::Wrong(const std::string& key, const nlohmann::json& value,
                       const std::string& wanted) const {
  Fail("{}: \"{}\" is {}, wanted {}", where_, key, value.dump(), wanted);
}

void JsonFields::Take(const std::string& key, bool* value) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  if (!field->is_boolean()) Wrong(key, *field, "true or false");
  *value = field->get<bool>();
}

void JsonFields::Take(const std::string& key, std::string* value) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  if (!field->is_string()) Wrong(key, *field, "a text");
  *value = field->get<std::string>();
}

int64_t JsonFields::IntegerOf(const std::string& key, const nlohmann::json& value,
                              int64_t min_value, int64_t max_value) const {
  const bool overflows = value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX;
  const bool fits = value.is_number_integer() && !overflows && value.get<int64_t>() >= min_value &&
                    value.get<int64_t>() <= max_value;
  if (!fits) Wrong(key, value, fmt::format("a whole number from {} to {}", min_value, max_value));
  return value.get<int64_t>();
}

void JsonFields::TakeInteger(const std::string& key, int64_t min_value, int64_t max_value,
                             int64_t* value) {
  const nlohmann::json* field = Find(key);
  if (field != nullptr) *value = IntegerOf(key, *field, min_value, max_value);
}

void JsonFields::TakeNumber(const std::string& key, double min_value, double max_value,
                            double* value) {
  const nlohmann::json* field = Find(key);
  if (field != nullptr) *value = NumberOf(key, *field, min_value, max_value);
}

double JsonFields::NumberOf(const std::string& key, const nlohmann::json& value, double min_value,
                            double max_value) const {
  const bool fits =
      value.is_number() && value.get<double>() >= min_value && value.get<double>() <= max_value;
  if (!fits) Wrong(key, value, fmt::format("a number from {} to {}", min_value, max_value));
  return value.get<double>();
}

void JsonFields::TakeName(const std::string& key, const std::vector<std::string>& names,
                          std::string* value) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  const bool fits = field->is_string() &&
                    std::find(names.begin(), names.end(), field->get<std::string>()) != names.end();
  if (!fits) Wrong(key, *field, fmt::format("one of {}", fmt::join(names, ", ")));
  *value = field->get<std::string>();
}

std::pair<int64_t, int64_t> JsonFields::SizeOf(const std::string& key,
                                               const nlohmann::json& value) const {
  const std::string size = value.is_string() ? value.get<std::string>() : "";
  int used = -1;
  long long w = 0, h = 0;
  std::sscanf(size.c_str(), "%5lldx%5lld%n", &w, &h, &used);
  if (used != static_cast<int>(size.size()) || w <= 0 || h <= 0) {
    Wrong(key, value, "WIDTHxHEIGHT such as \"256x144\"");
  }
  return {w, h};
}

void JsonFields::TakeSize(const std::string& key, int64_t* width, int64_t* height) {
  const nlohmann::json* field = Find(key);
  if (field != nullptr) std::tie(*width, *height) = SizeOf(key, *field);
}

void JsonFields::TakeSizes(const std::string& key,
                           std::vector<std::pair<int64_t, int64_t>>* value) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  value->clear();
  for (const nlohmann::json& one : field->is_array() ? *field : nlohmann::json{*field}) {
    value->push_back(SizeOf(key, one));
  }
}

void JsonFields::TakeIntegers(const std::string& key, int64_t min_value, int64_t max_value,
                              std::vector<int64_t>* value) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  value->clear();
  for (const nlohmann::json& one : field->is_array() ? *field : nlohmann::json{*field}) {
    value->push_back(IntegerOf(key, one, min_value, max_value));
  }
}

void JsonFields::TakeNumbers(const std::string& key, double min_value, double max_value,
                             std::vector<double>* value) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  value->clear();
  for (const nlohmann::json& one : field->is_array() ? *field : nlohmann::json{*field}) {
    value->push_back(NumberOf(key, one, min_value, max_value));
  }
}

void JsonFields::TakeStrings(const std::string& key, std::vector<std::string>* value) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  const bool fits = field->is_array() && std::all_of(field->begin(), field->end(),
                                                     [](const auto& x) { return x.is_string(); });
  if (!fits) Wrong(key, *field, "a list of texts");
  *value = field->get<std::vector<std::string>>();
}

void JsonFields::ForEach(
    const std::string& key,
    const std::function<void(const nlohmann::json&, const std::string& where)>& use) {
  const nlohmann::json* list = Find(key);
  if (list == nullptr) return;
  T3_CHECK(list->is_array(), "{}: \"{}\" is {}, wanted a list of objects", where_, key,
           list->dump());
  for (size_t i = 0; i < list->size(); ++i) {
    use((*list)[i], fmt::format("{}: {}[{}]", where_, key, i));
  }
}

JsonFields JsonFields::Object(const std::string& key) {
  const nlohmann::json* field = Find(key);
  const nlohmann::json empty = nlohmann::json::object();
  return {field == nullptr ? empty : *field, where_ + ": " + key};
}

void JsonFields::CheckAllTaken() const {
  for (const auto& [key, value] : object_.items()) {
    if (taken_.contains(key)) continue;
    T3_CHECK(!taken_.empty(), "{}: \"{}\" is not a field; the object has none", where_, key);
    const std::vector<std::string> fields(taken_.begin(), taken_.end());
    const std::string nearest = Nearest(key, fields);
    const std::string hint =
        nearest.empty() ? "; the" : fmt::format("; did you mean \"{}\"? The", nearest);
    Fail("{}: \"{}\" is not a field{} fields are {}", where_, key, hint, fmt::join(fields, ", "));
  }
}

}  // namespace t3
