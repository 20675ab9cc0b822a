// The causal cache of a streaming convolution.
#pragma once

#include <ATen/core/Tensor.h>

#include "plan/stream_shapes.h"

namespace t3 {

// The last input frames of a causal convolution, which the next pass reads as its history. Zeros
// stand for the frames before a video.
class StreamCache {
 public:
  // (history, rows, columns, channels), `shape` in every pass (ConvShapes::Cache).
  const at::Tensor& Frames(const MapShape& shape, const at::TensorOptions& options);
  // Makes the last of `frames` the history. `frames`: the newest input frames, oldest first.
  void Update(const at::Tensor& frames);
  // Makes `frames` the history of the first pass in place of zeros.
  void Start(at::Tensor frames) { frames_ = std::move(frames); }

 private:
  at::Tensor frames_;
};

}  // namespace t3
