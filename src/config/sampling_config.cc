// Names of the samplers.
#include "config/sampling_config.h"

#include <array>
#include <utility>

#include "base/check.h"

namespace t3 {
namespace {

constexpr std::array<std::pair<Sampler, std::string_view>, 4> kSamplerNames{
    {{Sampler::kEuler, "euler"},
     {Sampler::kUniPC, "unipc"},
     {Sampler::kRenoise, "renoise"},
     {Sampler::kRcm, "rcm"}}};

}  // namespace

std::string_view SamplerName(Sampler sampler) {
  for (const auto& [each, name] : kSamplerNames) {
    if (each == sampler) return name;
  }
  Fail("sampler {} has no name", static_cast<int>(sampler));
}

Sampler ParseSampler(std::string_view text) {
  for (const auto& [sampler, name] : kSamplerNames) {
    if (text == name) return sampler;
  }
  FailUsage("'{}' is not a sampler; use euler, unipc, renoise or rcm", text);
}

bool AddsNoise(Sampler sampler) { return sampler == Sampler::kRenoise || sampler == Sampler::kRcm; }

}  // namespace t3
