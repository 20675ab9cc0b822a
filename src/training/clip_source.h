// Where a VAE's training clips come from.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace t3 {

struct ClipBatch {
  at::Tensor video;                // (B,3,F,H,W) fp32 in [-1,1], any device; F = 4n+1
  std::vector<std::string> items;  // B names for messages
};

// Clips of one kind, given one at a time as (3,F,H,W).
struct ClipSet {
  std::string name;
  int64_t clips = 0;
  std::function<at::Tensor(int64_t index)> clip;
};

class ClipSource {
 public:
  virtual ~ClipSource() = default;
  // Micro batch `micro` of `step`, a function of these and the seed alone.
  virtual ClipBatch Get(int64_t step, int64_t micro) = 0;
  // Whole clips like those that a denoiser will learn from: latents are measured on them.
  virtual ClipSet Measured() const = 0;
  // Clips that training never sees, for the final report.
  virtual std::vector<ClipSet> HeldOut() const = 0;
  // What a run must share with its checkpoint.
  virtual std::string Digest() const = 0;
};

}  // namespace t3
