// Settings of a sampling run.
#pragma once

#include <cstdint>
#include <string_view>

namespace t3 {

enum class Sampler { kEuler, kUniPC };

std::string_view SamplerName(Sampler sampler);
// "euler" or "unipc"; throws Error of kind kUsage otherwise.
Sampler ParseSampler(std::string_view name);

struct SamplingConfig {
  Sampler sampler = Sampler::kUniPC;
  int64_t steps = 50;
  double guidance = 5;  // 1: the unconditional branch is skipped
  double shift = 5;
  bool operator==(const SamplingConfig&) const = default;
};

}  // namespace t3
