// Times synchronised runs by the host's clock: a run is far longer than a launch.
#include "bench/timing.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "runtime/device.h"

namespace t3 {

double TimeRun(at::Device device, const std::function<void()>& run) {
  Synchronize(device);
  const auto begin = std::chrono::steady_clock::now();
  run();
  Synchronize(device);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

void CheckRepeats(int64_t repeats) {
  constexpr int64_t kMaxRepeats = 1000;
  if (repeats < 1 || repeats > kMaxRepeats)
    FailUsage("`repeats` {} is outside 1 to {}", repeats, kMaxRepeats);
}

std::vector<double> TimeRuns(at::Device device, int64_t repeats, const std::function<void()>& run,
                             const std::function<void()>& poll) {
  if (poll) poll();
  run();
  std::vector<double> times;
  for (int64_t i = 0; i < repeats; ++i) {
    if (poll) poll();
    times.push_back(TimeRun(device, run));
  }
  return times;
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double MedianTime(at::Device device, int64_t repeats, const std::function<void()>& run,
                  const std::function<void()>& poll) {
  return Median(TimeRuns(device, repeats, run, poll));
}

double ProductRate(at::Device device, at::ScalarType dtype) {
  const int64_t n = device.is_cuda() ? 8192 : 1024;
  const auto options = at::device(device).dtype(dtype);
  const at::Tensor a = at::randn({n, n}, options), b = at::randn({n, n}, options);
  at::Tensor c = at::empty({n, n}, options);
  const double ms = MedianTime(device, 10, [&] { at::mm_out(c, a, b); });
  const auto size = static_cast<double>(n);
  return 2 * size * size * size / (ms / 1000);
}

}  // namespace t3
