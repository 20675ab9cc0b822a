// Assembling frames.
#include "models/decoder/frame_assembler.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <utility>

#include "config/model_config.h"

namespace t3 {

void FrameAssembler::Add(const DecodedRows& rows) {
  const at::Tensor& pixels = rows.pixels;
  const int64_t each = std::min(pixels.size(1), VaeConfig::kTimeStride);
  const int64_t count = pixels.size(2);
  const at::Tensor grouped = pixels.unflatten(1, {-1, each}).transpose(0, 1);
  if (rows.row == 0) {
    groups_ = at::empty({grouped.size(0), 3, each, height_, pixels.size(3)}, pixels.options());
  }
  groups_.narrow(3, rows.row, count).copy_(grouped);
  if (rows.row + count < height_) return;
  const at::Tensor done = std::exchange(groups_, at::Tensor());
  for (int64_t i = 0; i < done.size(0); ++i) sink_(done[i]);
}

}  // namespace t3
