// Where a measurement's time goes.
#pragma once

#include <ATen/Device.h>

#include <chrono>
#include <map>
#include <string>

#include "base/seconds_since.h"
#include "runtime/device.h"

namespace t3 {

class TimeBreakdown {
 public:
  explicit TimeBreakdown(at::Device device) : device_(device) {}

  // Runs `work`; returns its seconds on the device and adds them to `part`.
  template <typename Work>
  double Time(const std::string& part, Work work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    Synchronize(device_);
    const double seconds = SecondsSince(start);
    seconds_[part] += seconds;
    return seconds;
  }
  // Seconds of `part` that were those of another.
  void Move(const std::string& part, const std::string& to, double seconds) {
    seconds_[part] -= seconds;
    if (seconds > 0) seconds_[to] += seconds;
  }
  const std::map<std::string, double>& seconds() const { return seconds_; }

 private:
  at::Device device_;
  std::map<std::string, double> seconds_;
};

}  // namespace t3
