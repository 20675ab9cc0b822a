// ParseShardIndex and ShardNames.
#include "weights/shard_index.h"

#include <regex>

#include "base/json.h"
#include "base/text.h"

namespace t3 {
namespace {

bool IsPlainName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

}  // namespace

std::map<std::string, std::string> ParseShardIndex(Bytes text) {
  const nlohmann::json index = ParseJson(text, "the JSON");
  T3_CHECK(index.is_object() && index.contains("weight_map") && index["weight_map"].is_object(),
           "it is JSON, but not an index of shards: it has no object weight_map; give the "
           ".safetensors file or its .index.json");
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, file] : index["weight_map"].items()) {
    T3_CHECK(file.is_string(), "weight_map: the file of tensor {} is not a string", Quote(tensor));
    const auto& name = file.get_ref<const std::string&>();
    T3_CHECK(IsPlainName(name),
             "weight_map: the shard {} of tensor {} is not a plain file name in the index's folder",
             Quote(name), Quote(tensor));
    shards.emplace(tensor, name);
  }
  T3_CHECK(!shards.empty(), "weight_map is empty");
  return shards;
}

std::vector<std::string> ShardNames(const std::string& file_name) {
  static const std::regex pattern("(.{1,200})-([0-9]{1,5})-of-([0-9]{1,5})(\\.[a-z]{2,11})");
  std::smatch match;
  if (file_name.size() > 255 || !std::regex_match(file_name, match, pattern)) return {};
  const int number = std::stoi(match[2]);
  const int count = std::stoi(match[3]);
  if (number < 1 || number > count || count > 999) return {};
  const auto width = static_cast<size_t>(match[2].length());
  std::vector<std::string> names;
  for (int i = 1; i <= count; ++i) {
    names.push_back(
        fmt::format("{}-{:0{}}-of-{}{}", match[1].str(), i, width, match[3].str(), match[4].str()));
  }
  return names;
}

}  // namespace t3
