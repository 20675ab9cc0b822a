// Holds the low frequencies of a frame to those of another.
#pragma once

#include <cstdint>
#include <vector>

namespace t3 {

// frame += low-pass(source - frame), per plane. What is coarser than about 64 pixels, colours and
// brightness of areas, comes from the source; detail stays the frame's.
//
// The low-pass of a plane x, (height, width):
//   1. Cells: columns = max(1, round(width / 32)) by rows = max(1, round(height / 32)). Cell i of a
//      side of n pixels in m cells spans the pixels [floor(i n / m), floor((i + 1) n / m)). Its
//      value is the mean of x there.
//   2. Smoothing: cell (i, j) becomes the mean of its 3x3 neighbours with weights (1,2,1)/4 in each
//      direction. Neighbours beyond the edge are left out and the rest weighted up to 1.
//   3. Enlarging: bilinear between the centres of cells. Pixel p is at (p + 0.5) m / n - 0.5 among
//      the cells of its side. Beyond the outermost centres values stay constant.
// A constant comes out as it is, at the edges too: no black border is averaged in. The operator is
// linear, so the low-pass of the difference is the difference of the low-passes.
class ColorMatch {
 public:
  ColorMatch(int64_t width, int64_t height);

  // Steps 1 and 2 of source - frame, both (3, height, width) contiguous fp32 of the sizes above,
  // into `cells`, (3, rows, columns). `threads` >= 1.
  void Difference(const float* source, const float* frame, float* cells, int threads) const;
  // frame += step 3 of `cells`. Not clamped.
  void Add(const float* cells, float* frame, int threads) const;

  int64_t columns() const { return columns_; }  // cells
  int64_t rows() const { return rows_; }

 private:
  // Where the pixels of a side are among its cells: pixels [starts[i], starts[i + 1]) are between
  // cells i and i + 1, and weights[pixel] is the share of the latter.
  struct Places {
    std::vector<int64_t> starts;  // one more than cells
    std::vector<float> weights;   // one a pixel
  };
  static Places PlacesOf(int64_t pixels, int64_t cells);

  void Average(const float* source, const float* frame, float* cells, int threads) const;
  void Smooth(float* cells) const;
  void AddLine(const float* line, float* out) const;  // a row of the enlarged cells

  int64_t width_, height_, columns_, rows_;
  Places across_, down_;
};

}  // namespace t3
