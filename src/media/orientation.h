// Which way up a stored picture is shown.
#pragma once

#include <cstdint>

namespace t3 {

// One of the eight ways to lay a picture: rows and columns are exchanged first, then mirrored.
struct Orientation {
  bool transpose = false;
  bool mirror_x = false;
  bool mirror_y = false;
  bool upright() const { return !transpose && !mirror_x && !mirror_y; }
  bool operator==(const Orientation&) const = default;
};

// Value 1 to 8 of EXIF's tag Orientation; any other counts as upright.
Orientation OrientationOfExif(int value);

// `in`, (height, width, samples), turned into `out`, (width, height, samples) if transposed.
template <typename T>
void Turn(const T* in, int64_t width, int64_t height, int64_t samples,
          const Orientation& orientation, T* out) {
  const int64_t out_width = orientation.transpose ? height : width;
  const int64_t out_height = orientation.transpose ? width : height;
  for (int64_t y = 0; y < out_height; ++y) {
    const int64_t from_y = orientation.mirror_y ? out_height - 1 - y : y;
    for (int64_t x = 0; x < out_width; ++x) {
      const int64_t from_x = orientation.mirror_x ? out_width - 1 - x : x;
      const int64_t pixel =
          orientation.transpose ? from_x * width + from_y : from_y * width + from_x;
      for (int64_t s = 0; s < samples; ++s) *out++ = in[pixel * samples + s];
    }
  }
}

}  // namespace t3
