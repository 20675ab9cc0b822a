// Timing of device work.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace t3 {

// Throws Error of kind kUsage where the option `repeats` is out of range.
void CheckRepeats(int64_t repeats);

// Milliseconds of each of `repeats` runs, after one warm-up run. `poll`, if any, is called between
// runs and may throw to stop.
std::vector<double> TimeRuns(at::Device device, int64_t repeats, const std::function<void()>& run,
                             const std::function<void()>& poll = {});

// Milliseconds of one run, which the work before it does not overlap.
double TimeRun(at::Device device, const std::function<void()>& run);

double Median(std::vector<double> values);

// Median of TimeRuns, in milliseconds.
double MedianTime(at::Device device, int64_t repeats, const std::function<void()>& run,
                  const std::function<void()>& poll = {});

// Rate of a square product of random matrices in `dtype`, in FLOP/s: the reference for percentages.
double ProductRate(at::Device device, at::ScalarType dtype);

}  // namespace t3
