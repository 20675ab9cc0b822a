// SHA-1 from libtorch's c10. It detects mix-ups, not forgery.
#include "runtime/file_digest.h"

#include <c10/util/hash.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/check.h"
#include "base/json.h"
#include "base/mapped_file.h"
#include "base/path_text.h"

namespace t3 {
namespace {

constexpr size_t kWholeBytes = 64'000'000;
constexpr size_t kEndBytes = size_t{1} << 20;
constexpr size_t kSampleBytes = size_t{1} << 16;
constexpr size_t kSamples = 256;

std::string Text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Size, first bytes, samples and last bytes of a large file, concatenated.
std::string Sampled(std::span<const std::byte> bytes) {
  std::string sampled = std::to_string(bytes.size());
  sampled += Text(bytes.first(kEndBytes));
  for (size_t i = 0; i < kSamples; ++i) {
    const size_t first = (bytes.size() - kSampleBytes) / kSamples * i;
    sampled += Text(bytes.subspan(first, kSampleBytes));
  }
  return sampled + Text(bytes.last(kEndBytes));
}

std::string BytesDigest(std::span<const std::byte> bytes) {
  if (bytes.size() > kWholeBytes) return "sha1-sampled:" + TextDigest(Sampled(bytes));
  return "sha1:" + TextDigest(Text(bytes));
}

// Digests of the shards that an index names, in the order of their names.
std::string ShardDigests(const MappedFile& index) {
  const nlohmann::json document = ParseJson(index.bytes(), index.path());
  std::set<std::string> shards;
  const bool maps = document.is_object() && document.contains("weight_map");
  for (const auto& entry : maps ? document["weight_map"] : nlohmann::json()) {
    if (entry.is_string()) shards.insert(entry.get<std::string>());
  }
  const std::filesystem::path folder = std::filesystem::path(index.path()).parent_path();
  std::string digests;
  for (const std::string& shard : shards) digests += " " + FileDigest((folder / shard).string());
  return digests;
}

}  // namespace

std::string TextDigest(const std::string& text) {
  constexpr const char* kOfNothing = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
  return text.empty() ? kOfNothing : c10::sha1(text).str();  // c10's is undefined for ""
}

std::string FileDigest(const std::string& path) {
  const MappedFile file(path);
  const std::string digest = BytesDigest(file.bytes());
  if (!path.ends_with(".index.json")) return digest;
  return "sha1-sampled:" + TextDigest(digest + ShardDigests(file));
}

nlohmann::ordered_json DescribeFile(const std::string& path) {
  if (path.empty()) return nullptr;
  const std::string digest = FileDigest(path);  // first, for its messages
  return {{"file", PathToText(std::filesystem::absolute(path).lexically_normal().string())},
          {"bytes", std::filesystem::file_size(path)},
          {"digest", digest}};
}

}  // namespace t3
