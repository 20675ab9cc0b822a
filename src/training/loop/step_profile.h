// A trace of a few training steps, for chrome://tracing or Perfetto.
#pragma once

#include <ATen/Device.h>

#include <cstdint>
#include <string>

namespace t3 {

// Records operators, kernels and copies of kSteps steps after kWarmUp steps of this process and
// writes them to `path` as a Chrome trace. With an empty path it does nothing. Recording slows the
// traced steps down.
class StepProfile {
 public:
  static constexpr int64_t kWarmUp = 10, kSteps = 3;

  StepProfile(std::string path, at::Device device);
  ~StepProfile();
  StepProfile(const StepProfile&) = delete;
  StepProfile& operator=(const StepProfile&) = delete;

  // Call before every step.
  void BeforeStep();

 private:
  void Start();
  void Stop();

  std::string path_;
  at::Device device_;
  int64_t steps_ = 0;
  bool running_ = false;
};

}  // namespace t3
