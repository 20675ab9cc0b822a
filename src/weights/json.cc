// ParseJson: a SAX consumer that builds the value and checks limits on the way.
#include "weights/json.h"

#include <string>
#include <utility>
#include <vector>

#include "weights/text.h"

namespace t3 {
namespace {

using nlohmann::json;

constexpr size_t kMaxDepth = 16;
constexpr size_t kMaxArray = 4096;

class CheckedBuilder {
 public:
  explicit CheckedBuilder(std::string_view what) : what_(what) {}
  json Result() { return std::move(root_); }

  // The names below are nlohmann's SAX interface.
  bool null() { return Add(nullptr); }
  bool boolean(bool value) { return Add(value); }
  bool number_integer(json::number_integer_t value) { return Add(value); }
  bool number_unsigned(json::number_unsigned_t value) { return Add(value); }
  bool number_float(json::number_float_t value, const std::string&) { return Add(value); }
  bool string(std::string& value) { return Add(std::move(value)); }
  bool binary(json::binary_t&) { return false; }  // JSON text has none
  bool start_object(size_t) { return Open(json::object()); }
  bool end_object() { return Close(); }
  bool start_array(size_t) { return Open(json::array()); }
  bool end_array() { return Close(); }
  bool key(std::string& name) {
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
    T3_CHECK(open_.back()->size() < kMaxArray, "{} holds an array of more than {} elements", what_,
             kMaxArray);
    open_.back()->push_back(nullptr);
    return &open_.back()->back();
  }
  template <typename T>
  bool Add(T&& value) {
    *Slot() = std::forward<T>(value);
    return true;
  }
  bool Open(json container) {
    T3_CHECK(open_.size() < kMaxDepth, "{} nests deeper than {} levels", what_, kMaxDepth);
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
  json root_;
  std::vector<json*> open_;
  json* member_ = nullptr;
};

}  // namespace

json ParseJson(Bytes text, std::string_view what) {
  CheckedBuilder builder(what);
  const std::string_view view = AsText(text);
  T3_CHECK(json::sax_parse(view.begin(), view.end(), &builder), "{} is not valid JSON", what);
  return builder.Result();
}

}  // namespace t3
