// Updates of the causal cache.
#include "models/vae/stream_cache.h"

#include <ATen/ops/zeros.h>

#include "ops/profiler.h"

namespace t3 {

const at::Tensor& StreamCache::Frames(const MapShape& shape, const at::TensorOptions& options) {
  if (!frames_.defined()) frames_ = at::zeros(shape, options);
  return frames_;
}

void StreamCache::Update(const at::Tensor& frames) {
  const ProfileScope scope("causal cache");
  const int64_t history = frames_.size(0), count = frames.size(0);
  if (count >= history) {
    frames_.copy_(frames.narrow(0, count - history, history));
    return;
  }
  // One new frame, a history of two.
  frames_[0].copy_(frames_[1]);
  frames_[1].copy_(frames[0]);
}

}  // namespace t3
