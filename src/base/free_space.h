// How much a disk still takes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace t3 {

// Bytes that this user may write to the file system of `path` or, while that does not exist, of the
// nearest folder above it. nullopt where the system does not say.
std::optional<int64_t> FreeBytes(const std::filesystem::path& path);

// Whether both are on one file system, by the same rule; false where the system does not say.
bool OnSameDisk(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace t3
