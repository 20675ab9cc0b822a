// Assembles the rows of a pass into whole frames.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "models/vae/stream_decoder.h"

namespace t3 {

// For plans with frames outer. Calls `sink` once per latent frame, in order, with its frames
// (3,n,H,W), contiguous; n is 1 for the first latent frame and 4 for the others.
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
