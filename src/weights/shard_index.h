// The index.json beside a model that is stored in several safetensors files.
#pragma once

#include <map>
#include <string>

#include "weights/byte_reader.h"

namespace t3 {

// Tensor name -> file name of its shard, from {"metadata": ..., "weight_map": {...}}. Throws Error
// when the JSON is broken, has no weight_map, or a shard is not a plain file name: a path could
// leave the folder.
std::map<std::string, std::string> ParseShardIndex(Bytes text);

}  // namespace t3
