// Splits the rows of a picture among threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

namespace t3 {

// Calls fn(begin, end) on bands of [0, count), one per thread. `fn` must not throw.
template <typename Fn>
void ParallelBands(int64_t count, int threads, const Fn& fn) {
  const int64_t bands = std::clamp<int64_t>(count / 16, 1, threads);
  std::vector<std::jthread> workers;
  for (int64_t band = 1; band < bands; ++band) {
    workers.emplace_back([&, band] { fn(count * band / bands, count * (band + 1) / bands); });
  }
  fn(0, count / bands);
}

}  // namespace t3
