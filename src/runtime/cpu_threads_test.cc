// Threads that wait use no processor.
#include "runtime/cpu_threads.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <thread>

namespace t3 {
namespace {

TEST(CpuThreads, SleepWhileTheyWait) {
  if (at::get_num_threads() < 2) GTEST_SKIP() << "one thread waits for nobody";
  LetThreadsSleep();
  constexpr int kRegions = 20;
  const std::clock_t begin = std::clock();  // of all threads together
  for (int i = 0; i < kRegions; ++i) {
    at::parallel_for(0, 2, 1, [](int64_t first, int64_t) {
      if (first == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    });
  }
  const double ms = 1000.0 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  EXPECT_LT(ms, 0.2 * 10 * kRegions);  // spinning takes all of the 10 ms
}

}  // namespace
}  // namespace t3
