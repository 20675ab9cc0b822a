// Independent calls on the threads of the machine.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "base/first_failure.h"

namespace t3 {

// Calls fn(0) to fn(count - 1), each once, on as many threads as there are cores. Throws what the
// first of them threw, once all have ended.
template <typename Fn>
void InParallel(int64_t count, const Fn& fn) {
  std::atomic<int64_t> next{0};
  FirstFailure failure;
  const auto work = [&] {
    for (int64_t i = next++; i < count; i = next++) failure.Keep([&] { fn(i); });
  };
  const int64_t cores = std::max<int64_t>(1, std::thread::hardware_concurrency());
  std::vector<std::jthread> threads;
  for (int64_t i = 1; i < std::min(count, cores); ++i) threads.emplace_back(work);
  work();
  threads.clear();  // joins them
  failure.Rethrow();
}

}  // namespace t3
