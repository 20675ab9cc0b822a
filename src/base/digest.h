// A hash of the contents of files and tensors (docs/design/fingerprints.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace t3 {

// XXH64 with seed 0, about as fast as memory. It detects accidental changes, but not that somebody
// wants two files to agree.
uint64_t Digest(std::span<const std::byte> bytes);
uint64_t Digest(std::string_view text);

// 16 lower-case hexadecimal digits.
std::string DigestText(uint64_t digest);

}  // namespace t3
