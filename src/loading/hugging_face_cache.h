// Where a model lies in a Hugging Face cache.
#pragma once

#include <filesystem>

namespace t3 {

// The folder that `folder` stands for: a snapshot where it is a cache of one model
// ("models--ORG--NAME") or has one below it, else itself. Throws Error where it has several, or one
// that has no snapshot.
std::filesystem::path ResolveCache(const std::filesystem::path& folder);

}  // namespace t3
