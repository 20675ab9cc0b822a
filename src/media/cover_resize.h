// Scales float frames to cover a size and crops at the centre, without an 8-bit step in between.
#pragma once

#include <cstdint>
#include <vector>

#include "media/lanczos_windows.h"

namespace t3 {

// One resize, used for frame after frame. The scaled size and the crop are those of ResizeCover
// (image.h) for a picture as wide as it is shown; the values are those of its Lanczos filter in
// fp32, clamped to [-1, 1].
class CoverResize {
 public:
  // Stored frames of width x height pixels, each shown `pixel_aspect` (> 0) times as wide as high.
  CoverResize(int64_t width, int64_t height, double pixel_aspect, int64_t out_width,
              int64_t out_height);

  // (3, height, width) to (3, out_height, out_width), both contiguous. `threads` >= 1.
  void Resize(const float* in, float* out, int threads);

  // Per output column and row, for the same resize by matrices on another device.
  const std::vector<LanczosWindow>& columns() const { return columns_; }
  const std::vector<LanczosWindow>& rows() const { return rows_; }

  // The part of the picture that remains, of 1 in each direction.
  double kept_width() const { return kept_width_; }
  double kept_height() const { return kept_height_; }

 private:
  void ResizeColumns(const float* in, int threads);
  void ResizeRows(float* out, int threads) const;

  int64_t width_, height_, out_width_, out_height_;
  double kept_width_ = 1, kept_height_ = 1;
  std::vector<LanczosWindow> columns_, rows_;
  int64_t first_row_ = 0, used_rows_ = 0;  // of the input
  std::vector<float> narrow_;              // (3, used_rows_, out_width)
};

}  // namespace t3
