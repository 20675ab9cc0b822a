// Where the denoiser's training batches come from.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace t3 {

// B videos of one size.
struct Batch {
  at::Tensor latents;                     // (B,z,T,h,w) fp32, any device; model space
  std::vector<at::Tensor> text;           // B encoded captions (L, width), any device and dtype
  std::vector<std::vector<int32_t>> ids;  // the same as token ids with the closing 1
  std::vector<std::string> items;         // B names for messages: file, seed
};

// A source knows the batch size and the seed it was made with.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  // Micro batch `micro` of `step`, a function of these and the seed alone. `text` may be empty
  // where the text encoder is trained, `ids` where it is not.
  virtual Batch Get(int64_t step, int64_t micro) = 0;
  // The encoded empty prompt (L, width); undefined where the source has none, so that the model's
  // text encoder has to make it.
  virtual at::Tensor EmptyText() const { return {}; }
  // What a run must share with its checkpoint: how many items, and which.
  virtual std::string Digest() const = 0;
};

}  // namespace t3
