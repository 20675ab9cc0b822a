// The fields of a JSON object, taken one by one with their types and ranges. A field that nobody
// takes is an error that names the nearest one.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"

namespace t3 {

class JsonFields {
 public:
  // `where` names the object in messages ("train.json: optimizer"). Throws Error unless `object` is
  // a JSON object.
  JsonFields(const nlohmann::json& object, std::string where);

  // nullptr where the field is absent; null counts as present.
  const nlohmann::json* Find(const std::string& key);
  // Leave *value where the field is absent; throw Error for another type or a value outside.
  void Take(const std::string& key, bool* value);
  void Take(const std::string& key, std::string* value);
  void TakeInteger(const std::string& key, int64_t min_value, int64_t max_value, int64_t* value);
  void TakeNumber(const std::string& key, double min_value, double max_value, double* value);
  // One of `names`.
  void TakeName(const std::string& key, const std::vector<std::string>& names, std::string* value);
  // WIDTHxHEIGHT, such as 256x144.
  void TakeSize(const std::string& key, int64_t* width, int64_t* height);
  void TakeStrings(const std::string& key, std::vector<std::string>* value);
  // Lists, of which one element may stand alone.
  void TakeSizes(const std::string& key, std::vector<std::pair<int64_t, int64_t>>* value);
  void TakeIntegers(const std::string& key, int64_t min_value, int64_t max_value,
                    std::vector<int64_t>* value);
  void TakeNumbers(const std::string& key, double min_value, double max_value,
                   std::vector<double>* value);
  // Every object of the list `key`, with its place for messages; none where the field is absent.
  void ForEach(const std::string& key,
               const std::function<void(const nlohmann::json&, const std::string& where)>& use);
  // The object `key`, or an empty one where it is absent.
  JsonFields Object(const std::string& key);

  // Throws Error for a field that was never asked for.
  void CheckAllTaken() const;
  const std::string& where() const { return where_; }

 private:
  std::pair<int64_t, int64_t> SizeOf(const std::string& key, const nlohmann::json& value) const;
  int64_t IntegerOf(const std::string& key, const nlohmann::json& value, int64_t min_value,
                    int64_t max_value) const;
  double NumberOf(const std::string& key, const nlohmann::json& value, double min_value,
                  double max_value) const;
  [[noreturn]] void Wrong(const std::string& key, const nlohmann::json& value,
                          const std::string& wanted) const;

  nlohmann::json object_;
  std::string where_;
  std::set<std::string> taken_;
};

}  // namespace t3
