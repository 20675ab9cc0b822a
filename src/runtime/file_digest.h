// A fingerprint of a file that does not read gigabytes (docs/design/fingerprints.md).
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace t3 {

// Hexadecimal SHA-1 of `text`.
std::string TextDigest(const std::string& text);

// For a file of up to 64 MB "sha1:..." of all its bytes; for a larger one "sha1-sampled:..." of its
// size, its first and last MiB (the header of a safetensors file is in the first) and 64 KiB at
// each of 256 evenly spaced places. Rewritten weights always change it; a change of single bytes
// may not. The digest of an index.json includes its shards. Throws Error when the file cannot be
// read.
std::string FileDigest(const std::string& path);

// {"file": path, "bytes": size, "digest": FileDigest}; null for an empty path.
nlohmann::ordered_json DescribeFile(const std::string& path);

}  // namespace t3
