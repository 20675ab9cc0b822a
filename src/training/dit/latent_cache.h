// A file that keeps rendered latents for the next call.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>

namespace t3 {

class LatentCache {
 public:
  // `path`: "" for none. `identity` says which clips they are.
  LatentCache(std::string path, std::string identity)
      : path_(std::move(path)), identity_(std::move(identity)) {}

  // The latents, on the CPU; undefined where the file is missing, damaged, or of other clips.
  at::Tensor Read() const;
  // A failure is a warning: they can be rendered again.
  void Write(const at::Tensor& latents) const;

 private:
  std::string path_, identity_;
};

}  // namespace t3
