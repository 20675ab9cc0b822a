// ParseShardIndex.
#include "weights/shard_index.h"

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
           "it is JSON, but no index of shards: it has no object weight_map; give the "
           ".safetensors file or its .index.json");
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, file] : index["weight_map"].items()) {
    T3_CHECK(file.is_string(), "weight_map: the file of tensor {} is no string", Quote(tensor));
    const auto& name = file.get_ref<const std::string&>();
    T3_CHECK(IsPlainName(name),
             "weight_map: the shard {} of tensor {} is not a plain file name in the index's folder",
             Quote(name), Quote(tensor));
    shards.emplace(tensor, name);
  }
  T3_CHECK(!shards.empty(), "weight_map is empty");
  return shards;
}

}  // namespace t3
