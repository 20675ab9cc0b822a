// Pillow's Lanczos and bicubic filters, so that a first frame has the bytes that the published code
// would see.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "media/image.h"
#include "media/lanczos_windows.h"
#include "media/pixel_convert.h"
#include "media/row_bands.h"

namespace t3 {
namespace {

constexpr int kFractionBits = 22;  // of the fixed-point weights: 32 - 8 - 2, as Pillow has it

// The input samples that make one output sample.
struct Window {
  int64_t first = 0;
  std::vector<int32_t> weights;
};

using ExactWindows = std::vector<LanczosWindow>(int64_t in_size, int64_t out_size, int64_t begin,
                                                int64_t end);

std::vector<Window> MakeWindows(ExactWindows* make, int64_t in_size, int64_t out_size) {
  std::vector<Window> windows;
  for (const LanczosWindow& exact : make(in_size, out_size, 0, out_size)) {
    Window window{exact.first, {}};
    for (const double weight : exact.weights) {
      const double fixed = weight * (1 << kFractionBits);
      window.weights.push_back(static_cast<int32_t>(fixed + (fixed < 0 ? -0.5 : 0.5)));
    }
    windows.push_back(std::move(window));
  }
  return windows;
}

uint8_t Rounded(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}
constexpr int32_t kHalf = 1 << (kFractionBits - 1);

Image ResizeColumns(ExactWindows* make, const Image& in, int64_t width) {
  const std::vector<Window> windows = MakeWindows(make, in.width, width);
  Image out{width, in.height, std::vector<uint8_t>(width * in.height * 3)};
  ParallelBands(in.height, ThreadCount(0), [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        const Window& window = windows[x];
        const uint8_t* from = in.rgb.data() + (y * in.width + window.first) * 3;
        int32_t sums[3] = {kHalf, kHalf, kHalf};
        for (int32_t weight : window.weights) {
          for (int32_t& sum : sums) sum += weight * *from++;
        }
        for (int c = 0; c < 3; ++c) out.rgb[(y * width + x) * 3 + c] = Rounded(sums[c]);
      }
    }
  });
  return out;
}

Image ResizeRows(ExactWindows* make, const Image& in, int64_t height) {
  const std::vector<Window> windows = MakeWindows(make, in.height, height);
  const int64_t row = in.width * 3;
  Image out{in.width, height, std::vector<uint8_t>(row * height)};
  ParallelBands(height, ThreadCount(0), [&](int64_t begin, int64_t end) {
    std::vector<int32_t> sums(row);
    for (int64_t y = begin; y < end; ++y) {
      std::fill(sums.begin(), sums.end(), kHalf);
      const uint8_t* from = in.rgb.data() + windows[y].first * row;
      for (int32_t weight : windows[y].weights) {
        for (int64_t i = 0; i < row; ++i) sums[i] += weight * from[i];
        from += row;
      }
      std::transform(sums.begin(), sums.end(), out.rgb.begin() + y * row, Rounded);
    }
  });
  return out;
}

Image Resize(ExactWindows* make, const Image& image, int64_t width, int64_t height) {
  T3_CHECK(image.width > 0 && image.height > 0 && width > 0 && height > 0,
           "an image of {}x{} pixels cannot be resized to {}x{}", image.width, image.height, width,
           height);
  Image out = width == image.width ? image : ResizeColumns(make, image, width);
  return height == out.height ? out : ResizeRows(make, out, height);
}

}  // namespace

Image ResizeLanczos(const Image& image, int64_t width, int64_t height) {
  return Resize(LanczosWindows, image, width, height);
}

Image ResizeBicubic(const Image& image, int64_t width, int64_t height) {
  return Resize(BicubicWindows, image, width, height);
}

Image ResizeCover(const Image& image, int64_t width, int64_t height) {
  if (image.width == width && image.height == height) return image;
  T3_CHECK(image.width > 0 && image.height > 0, "an empty image cannot be resized");
  const double scale = std::max(static_cast<double>(width) / static_cast<double>(image.width),
                                static_cast<double>(height) / static_cast<double>(image.height));
  const auto scaled = [scale](int64_t size) {
    return static_cast<int64_t>(std::nearbyint(static_cast<double>(size) * scale));
  };
  const Image covering = ResizeLanczos(image, scaled(image.width), scaled(image.height));
  const int64_t left = (covering.width - width) / 2, top = (covering.height - height) / 2;
  Image out{width, height, {}};
  out.rgb.reserve(width * height * 3);
  for (int64_t y = 0; y < height; ++y) {
    const auto row = covering.rgb.begin() + ((top + y) * covering.width + left) * 3;
    out.rgb.insert(out.rgb.end(), row, row + width * 3);
  }
  return out;
}

}  // namespace t3
