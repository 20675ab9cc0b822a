// Files that keep rendered latents for the next call.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace t3 {

// One file with the latents of all clips and, until it is there, one for each part that was
// rendered. Every file has a digest of its latents.
class LatentCache {
 public:
  // `path`: of the whole; "" for none. `identity` says which clips they are; `weights`: digests of
  // all weights that made them, which files of earlier versions lack.
  LatentCache(std::string path, std::string identity, std::string weights)
      : path_(std::move(path)), identity_(std::move(identity)), weights_(std::move(weights)) {}

  bool keeps() const { return !path_.empty(); }

  // All latents, on the CPU; undefined, with a line in the log that says why, where the file is
  // damaged or of other clips, and where it is missing.
  at::Tensor Read() const;
  // Also removes the parts. A failure is a warning: latents can be rendered again.
  void Write(const at::Tensor& latents) const;

  // Bytes that writing `bytes` of latents takes beyond what earlier calls wrote; 0 without a cache
  // and where they are all there. Damage is not looked for.
  int64_t MissingBytes(int64_t bytes) const;

  // Likewise the part that begins with clip `first`, of clips that were rendered `together`: others
  // differ by rounding.
  at::Tensor ReadPart(int64_t first, int64_t together) const;
  void WritePart(int64_t first, int64_t together, const at::Tensor& latents) const;

 private:
  std::vector<std::filesystem::path> Parts() const;
  std::string PartPath(int64_t first) const;
  std::string PartIdentity(int64_t first, int64_t together) const;
  void RemoveParts() const;

  std::string path_, identity_, weights_;
};

}  // namespace t3
