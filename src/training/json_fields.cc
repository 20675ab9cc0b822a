// Typed fields of a JSON object.
#include "training/json_fields.h"

#include <algorithm>

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

void JsonFields::TakeInteger(const std::string& key, int64_t least, int64_t most, int64_t* value) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  const bool fits = field->is_number_integer() &&
                    field->get<double>() >= static_cast<double>(least) &&
                    field->get<double>() <= static_cast<double>(most);
  if (!fits) Wrong(key, *field, fmt::format("a whole number from {} to {}", least, most));
  *value = field->get<int64_t>();
}

void JsonFields::TakeNumber(const std::string& key, double least, double most, double* value) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  const bool fits =
      field->is_number() && field->get<double>() >= least && field->get<double>() <= most;
  if (!fits) Wrong(key, *field, fmt::format("a number from {} to {}", least, most));
  *value = field->get<double>();
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

void JsonFields::TakeSize(const std::string& key, int64_t* width, int64_t* height) {
  std::string size;
  Take(key, &size);
  if (size.empty()) return;
  int used = -1;
  long long w = 0, h = 0;
  std::sscanf(size.c_str(), "%5lldx%5lld%n", &w, &h, &used);
  T3_CHECK(used == static_cast<int>(size.size()) && w > 0 && h > 0,
           "{}: \"{}\" is \"{}\", wanted WIDTHxHEIGHT such as 256x144", where_, key, size);
  *width = w;
  *height = h;
}

void JsonFields::TakeStrings(const std::string& key, std::vector<std::string>* value) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  const bool fits = field->is_array() && std::all_of(field->begin(), field->end(),
                                                     [](const auto& x) { return x.is_string(); });
  if (!fits) Wrong(key, *field, "a list of texts");
  *value = field->get<std::vector<std::string>>();
}

void JsonFields::ForEach(const std::string& key,
                         const std::function<void(const json&, const std::string& where)>& use) {
  const json* list = Find(key);
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
    T3_CHECK(!taken_.empty(), "{}: \"{}\" is no field here; there are none", where_, key);
    const std::string name = key;
    const auto nearest =
        std::min_element(taken_.begin(), taken_.end(), [&](const auto& a, const auto& b) {
          return TypingDistance(name, a) < TypingDistance(name, b);
        });
    Fail("{}: \"{}\" is no field here; did you mean \"{}\"? The fields are {}", where_, key,
         *nearest, fmt::join(taken_, ", "));
  }
}

}  // namespace t3
