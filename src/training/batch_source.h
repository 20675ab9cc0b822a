// Where the denoiser's training batches come from.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "training/random.h"

namespace t3 {

// B videos of one size.
struct Batch {
  at::Tensor latents;                     // (B,z,T,h,w) fp32, any device; model space
  std::vector<at::Tensor> text;           // B encoded captions (L, width), or empty
  std::vector<std::vector<int32_t>> ids;  // B captions as token ids with the closing 1, or empty
  std::vector<std::string> items;         // B names for messages: file, seed
};

class BatchSource {
 public:
  virtual ~BatchSource() = default;
  // Micro batch `micro` of `step`. Equal arguments give equal batches; what is drawn comes from
  // `random` (Draw::kBatch). `want_ids`: token ids in place of encoded captions, because the text
  // encoder is trained.
  virtual Batch Get(int64_t step, int64_t micro, int64_t size, const StepRandom& random,
                    bool want_ids) = 0;
  // What a run must share with its checkpoint: how many items, and which.
  virtual std::string Digest() const = 0;
};

}  // namespace t3
