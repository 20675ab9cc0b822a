// Reads and writes them.
#include "training/dit/latent_cache.h"

#include <algorithm>
#include <filesystem>

#include "base/check.h"
#include "base/digest.h"
#include "base/log.h"
#include "loading/tensor_file.h"
#include "nn/tensor_digest.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLatentsName = "latents";
constexpr const char* kIdentityKey = "t3.world";
constexpr const char* kWeightsKey = "t3.weights";
constexpr const char* kDigestKey = "t3.digest";
constexpr const char* kPartMark = ".part-";

// Of shape, dtype and values.
std::string DigestOf(const at::Tensor& latents) {
  return DigestText(Digest(fmt::format("{} ({}) {}", toString(latents.scalar_type()),
                                       fmt::join(latents.sizes(), ","), TensorDigest(latents))));
}

std::string ValueOf(const Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : found->second;
}

bool HasWeights(const Metadata& metadata, const std::string& weights) {
  const std::string stored = ValueOf(metadata, kWeightsKey);
  return stored.empty() || stored == weights;
}

// The identity of latents that `weights` made; "" where the file has others or cannot be read.
std::string IdentityIn(const fs::path& path, const std::string& weights) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return "";
  try {
    const Metadata metadata = WeightFile::Open(path.string(), FileOrigin::kOwn)->metadata();
    return HasWeights(metadata, weights) ? ValueOf(metadata, kIdentityKey) : "";
  } catch (const Error&) {
    return "";
  }
}

// Undefined where the latents are not to be used.
at::Tensor ReadLatentsOf(const std::string& path, const std::string& identity,
                         const std::string& weights) {
  std::error_code ignored;
  if (path.empty() || !fs::exists(path, ignored)) return {};
  try {
    const auto file = WeightFile::Open(path, FileOrigin::kOwn);
    const Metadata& metadata = file->metadata();
    if (ValueOf(metadata, kIdentityKey) != identity || !HasWeights(metadata, weights)) {
      spdlog::info("{} has other clips or is of another VAE; encoding again", path);
      return {};
    }
    const std::string digest = ValueOf(metadata, kDigestKey);
    T3_CHECK(!digest.empty(), "{} was written by a version that kept no digest", path);
    const at::Tensor latents = ReadTensor(*file, kLatentsName);
    T3_CHECK(DigestOf(latents) == digest, "{} is damaged: its latents do not have its digest {}",
             path, digest);
    return latents;
  } catch (const Error& error) {
    spdlog::warn("{}; encoding again", error.what());
  }
  return {};
}

bool WriteLatentsOf(const std::string& path, const std::string& identity,
                    const std::string& weights, const at::Tensor& latents) {
  try {
    std::error_code ignored;
    fs::create_directories(fs::path(path).parent_path(), ignored);
    const at::Tensor data = latents.cpu().contiguous();
    SaveTensors(path, {{kLatentsName, data}},
                {{kIdentityKey, identity}, {kWeightsKey, weights}, {kDigestKey, DigestOf(data)}});
    return true;
  } catch (const Error& error) {
    spdlog::warn("cannot cache the clips: {}", error.what());
    return false;
  }
}

}  // namespace

at::Tensor LatentCache::Read() const { return ReadLatentsOf(path_, identity_, weights_); }

void LatentCache::Write(const at::Tensor& latents) const {
  if (!path_.empty() && WriteLatentsOf(path_, identity_, weights_, latents)) RemoveParts();
}

at::Tensor LatentCache::ReadPart(int64_t first, int64_t together) const {
  return ReadLatentsOf(PartPath(first), PartIdentity(first, together), weights_);
}

void LatentCache::WritePart(int64_t first, int64_t together, const at::Tensor& latents) const {
  if (!path_.empty())
    WriteLatentsOf(PartPath(first), PartIdentity(first, together), weights_, latents);
}

// "DIR/NAME.part-128.safetensors".
std::string LatentCache::PartPath(int64_t first) const {
  if (path_.empty()) return "";
  const fs::path path(path_);
  return (path.parent_path() / fmt::format("{}{}{}{}", path.stem().string(), kPartMark, first,
                                           path.extension().string()))
      .string();
}

std::string LatentCache::PartIdentity(int64_t first, int64_t together) const {
  return fmt::format("{}, from clip {}, {} together", identity_, first, together);
}

std::vector<fs::path> LatentCache::Parts() const {
  const fs::path path(path_);
  const std::string prefix = path.stem().string() + kPartMark;
  std::vector<fs::path> parts;
  std::error_code ignored;
  fs::directory_iterator entries(path.parent_path(), ignored);
  for (; !ignored && entries != fs::directory_iterator(); entries.increment(ignored)) {
    if (entries->path().filename().string().starts_with(prefix)) parts.push_back(entries->path());
  }
  return parts;
}

void LatentCache::RemoveParts() const {
  std::error_code ignored;
  for (const fs::path& part : Parts()) fs::remove(part, ignored);
}

int64_t LatentCache::MissingBytes(int64_t bytes) const {
  if (path_.empty() || IdentityIn(path_, weights_) == identity_) return 0;
  for (const fs::path& part : Parts()) {
    std::error_code ignored;
    if (IdentityIn(part, weights_).starts_with(identity_ + ", "))
      bytes -= static_cast<int64_t>(fs::file_size(part, ignored));
  }
  return std::max<int64_t>(bytes, 0);
}

}  // namespace t3
