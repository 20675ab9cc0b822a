// Source of a VAE's training clips.
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

// Clips of one kind, one at a time as (3,F,H,W) in [-1,1].
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
  // Whole clips like those that a denoiser will train on, for the latents' statistics.
  virtual ClipSet Measured() const = 0;
  // Clips that are never trained on, for the final report.
  virtual std::vector<ClipSet> HeldOut() const = 0;
  // Identifies the clips, for CheckSameRun.
  virtual std::string Digest() const = 0;
};

}  // namespace t3
