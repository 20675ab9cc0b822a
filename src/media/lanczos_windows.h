// Which input samples make each output sample of a Lanczos or bicubic resize.
#pragma once

#include <cstdint>
#include <vector>

namespace t3 {

struct LanczosWindow {
  int64_t first = 0;            // input index of weights[0]
  std::vector<double> weights;  // sum to 1; windows are cut at the edges
};

// Windows of the outputs [begin, end) of a resize from in_size to out_size samples: 3 lobes,
// widened by the scale where the size shrinks, as Pillow has them. Sizes >= 1.
std::vector<LanczosWindow> LanczosWindows(int64_t in_size, int64_t out_size, int64_t begin,
                                          int64_t end);

// The same of Pillow's bicubic filter: 2 lobes, a = -0.5.
std::vector<LanczosWindow> BicubicWindows(int64_t in_size, int64_t out_size, int64_t begin,
                                          int64_t end);

}  // namespace t3
