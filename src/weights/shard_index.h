// The parts of a model that is stored in several files: by their index.json or by their names.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "weights/byte_reader.h"

namespace t3 {

// Tensor name -> file name of its shard, from {"metadata": ..., "weight_map": {...}}. Throws Error
// when the JSON is broken, has no weight_map, or a shard is not a plain file name: a path could
// leave the folder.
std::map<std::string, std::string> ParseShardIndex(Bytes text);

// The names of all shards of "NAME-00002-of-00003.EXTENSION", in order, whether they exist or not;
// empty for a name of another form. At most 999 shards.
std::vector<std::string> ShardNames(const std::string& file_name);

}  // namespace t3
