// A SAX consumer that builds the value and checks limits on the way: memory and stack stay bounded.
#include "base/json.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/read_text.h"
#include "base/text.h"

namespace t3 {
namespace {

// Looking up a key of an ordered object takes time in proportion to its size.
constexpr size_t kMaxOrderedKeys = 4096;

template <typename json>
class CheckedBuilder {
 public:
  CheckedBuilder(std::string_view what, const JsonLimits& limits) : what_(what), limits_(limits) {}
  json Result() { return std::move(root_); }

  // The names below are nlohmann's SAX interface.
  bool null() { return Add(nullptr); }
  bool boolean(bool value) { return Add(value); }
  bool number_integer(typename json::number_integer_t value) { return Add(value); }
  bool number_unsigned(typename json::number_unsigned_t value) { return Add(value); }
  bool number_float(typename json::number_float_t value, const std::string&) { return Add(value); }
  bool string(std::string& value) { return Add(std::move(value)); }
  bool binary(typename json::binary_t&) { return false; }  // JSON text has none
  bool start_object(size_t) { return Open(json::object()); }
  bool end_object() { return Close(); }
  bool start_array(size_t) { return Open(json::array()); }
  bool end_array() { return Close(); }
  bool key(std::string& name) {
    if constexpr (std::is_same_v<json, nlohmann::ordered_json>) {
      T3_CHECK(open_.back()->size() < kMaxOrderedKeys, "{} holds an object of more than {} keys",
               what_, kMaxOrderedKeys);
    }
    T3_CHECK(!open_.back()->contains(name), "{} names {} twice", what_, Quote(name));
    member_ = &(*open_.back())[name];
    return true;
  }
  template <typename Exception>
  bool parse_error(size_t position, const std::string&, const Exception&) {
    Fail("{} is not valid JSON at byte {}", what_, position);
  }

 private:
  // Where the next value goes. Only the innermost open container grows, so pointers to the outer
  // ones stay valid.
  json* Slot() {
    if (open_.empty()) return &root_;
    if (open_.back()->is_object()) return member_;
    T3_CHECK(open_.back()->size() < limits_.elements, "{} holds an array of more than {} elements",
             what_, limits_.elements);
    open_.back()->push_back(nullptr);
    return &open_.back()->back();
  }
  template <typename T>
  bool Add(T&& value) {
    *Slot() = std::forward<T>(value);
    return true;
  }
  bool Open(json container) {
    T3_CHECK(open_.size() < limits_.depth, "{} nests deeper than {} levels", what_, limits_.depth);
    json* slot = Slot();
    *slot = std::move(container);
    open_.push_back(slot);
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  std::string_view what_;
  JsonLimits limits_;
  json root_;
  std::vector<json*> open_;
  json* member_ = nullptr;
};

template <typename json>
json Parse(std::string_view text, std::string_view what, const JsonLimits& limits) {
  CheckedBuilder<json> builder(what, limits);
  T3_CHECK(json::sax_parse(text.begin(), text.end(), &builder), "{} is not valid JSON", what);
  return builder.Result();
}

}  // namespace

nlohmann::json ParseJson(std::string_view text, std::string_view what, const JsonLimits& limits) {
  return Parse<nlohmann::json>(text, what, limits);
}

nlohmann::json ParseJson(std::span<const std::byte> text, std::string_view what,
                         const JsonLimits& limits) {
  return ParseJson(std::string_view(reinterpret_cast<const char*>(text.data()), text.size()), what,
                   limits);
}

nlohmann::ordered_json ParseOrderedJson(std::string_view text, std::string_view what,
                                        const JsonLimits& limits) {
  return Parse<nlohmann::ordered_json>(text, what, limits);
}

nlohmann::json ReadJson(const std::string& path, const JsonLimits& limits) {
  return ParseJson(ReadText(path), path, limits);
}

nlohmann::ordered_json ReadOrderedJson(const std::string& path, const JsonLimits& limits) {
  return ParseOrderedJson(ReadText(path), path, limits);
}

std::string DumpJson(const nlohmann::ordered_json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace t3
