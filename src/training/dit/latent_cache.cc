// Reads and writes it.
#include "training/dit/latent_cache.h"

#include <filesystem>

#include "base/check.h"
#include "base/log.h"
#include "loading/tensor_file.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLatentsName = "latents";
constexpr const char* kIdentityKey = "t3.world";

}  // namespace

at::Tensor LatentCache::Read() const {
  std::error_code ignored;
  if (path_.empty() || !fs::exists(path_, ignored)) return {};
  try {
    const auto file = WeightFile::Open(path_, FileOrigin::kOwn);
    const auto found = file->metadata().find(kIdentityKey);
    if (found != file->metadata().end() && found->second == identity_) {
      return ReadTensor(*file, kLatentsName);
    }
    spdlog::info("{} has other clips or is of another VAE; encoding again", path_);
  } catch (const Error& error) {
    spdlog::warn("{}; encoding again", error.what());
  }
  return {};
}

void LatentCache::Write(const at::Tensor& latents) const {
  if (path_.empty()) return;
  try {
    std::error_code ignored;
    fs::create_directories(fs::path(path_).parent_path(), ignored);
    SaveTensors(path_, {{kLatentsName, latents}}, {{kIdentityKey, identity_}});
  } catch (const Error& error) {
    spdlog::warn("cannot cache the clips: {}", error.what());
  }
}

}  // namespace t3
