// Where a forward's time goes: device time of named scopes, for benchmarks.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace t3 {

// Names with their milliseconds.
using ProfileTimes = std::vector<std::pair<std::string, double>>;

// While a Profiler exists (one at a time), ProfileScopes are timed on `device`'s current stream.
class Profiler {
 public:
  explicit Profiler(at::Device device);
  ~Profiler();
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;
  // Waits for the device. Names in the order of their first use, each with the sum of its scopes.
  ProfileTimes Milliseconds();
};

// Times its own lifetime; costs a null check while no Profiler exists. Scopes do not nest.
class ProfileScope {
 public:
  explicit ProfileScope(std::string_view name);
  ~ProfileScope();
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;
};

}  // namespace t3
