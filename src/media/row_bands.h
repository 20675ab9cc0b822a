// Splits the rows of a picture among threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

#include "base/first_failure.h"

namespace t3 {

// Calls fn(begin, end) on bands of [0, count), one per thread. Throws what the first of them threw,
// once all have ended.
template <typename Fn>
void ParallelBands(int64_t count, int threads, const Fn& fn) {
  const int64_t bands = std::clamp<int64_t>(count / 16, 1, threads);
  FirstFailure failure;
  std::vector<std::jthread> workers;
  const auto work = [&](int64_t band) {
    failure.Keep([&] { fn(count * band / bands, count * (band + 1) / bands); });
  };
  for (int64_t band = 1; band < bands; ++band) workers.emplace_back([&, band] { work(band); });
  work(0);
  workers.clear();  // joins them
  failure.Rethrow();
}

}  // namespace t3
