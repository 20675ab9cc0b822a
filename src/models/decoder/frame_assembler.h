// Assembles the rows of a pass into whole frames.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "models/decoder/decoded_rows.h"

namespace t3 {

// For plans with frames outer. Calls `sink` with consecutive frames (3,n,H,W), contiguous, n at
// most 4: a VAE's first latent frame gives one, the others four.
class FrameAssembler {
 public:
  using Sink = std::function<void(const at::Tensor& frames)>;
  FrameAssembler(int64_t height, Sink sink) : height_(height), sink_(std::move(sink)) {}

  void Add(const DecodedRows& rows);

 private:
  int64_t height_;
  Sink sink_;
  at::Tensor groups_;  // (latent frames,3,n,H,W)
};

}  // namespace t3
