// Source of the denoiser's training batches.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace t3 {

// B clips of one size.
struct Batch {
  at::Tensor latents;                     // (B,z,T,h,w) fp32, any device; normalised
  std::vector<at::Tensor> text;           // B encoded captions (L, width), any device and dtype
  std::vector<std::vector<int32_t>> ids;  // their token ids with the end token 1
  at::Tensor drafts;                      // of the clips, likewise; undefined: none
  at::Tensor weights;                     // see WeighPlaces, (B,1,T,h,w) fp32; undefined: 1
  std::vector<std::string> items;         // B names for messages: file, seed
};

class BatchSource {
 public:
  virtual ~BatchSource() = default;
  // Micro batch `micro` of `step`, a function of these and the seed alone. `text` may be empty when
  // the text encoder is trained, `ids` when it is not.
  virtual Batch Get(int64_t step, int64_t micro) = 0;
  // The encoded empty prompt (L, width); undefined when the source has none and the model's text
  // encoder must encode it.
  virtual at::Tensor EmptyText() const { return {}; }
  // Identifies the items, for CheckSameRun.
  virtual std::string Digest() const = 0;
  // The items in words.
  virtual std::string Description() const { return Digest(); }
};

}  // namespace t3
