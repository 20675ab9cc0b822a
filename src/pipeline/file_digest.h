// Telling whether a file is the same as before, without reading gigabytes.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace t3 {

// Hexadecimal SHA-1 of `text`.
std::string TextDigest(const std::string& text);

// Of a file up to 64 MB "sha1:..." of all its bytes; of a larger one "sha1-sampled:..." of its
// size, its first and last MiB (a safetensors header lies in the first) and 64 KiB at each of 256
// places spread evenly: every rewriting of weights changes it, a change of single bytes can escape.
// An index.json of shards is digested with its shards. Throws Error when the file cannot be read.
std::string FileDigest(const std::string& path);

// {"file": path, "bytes": size, "digest": FileDigest}; null for an empty path.
nlohmann::ordered_json DescribeFile(const std::string& path);

}  // namespace t3
