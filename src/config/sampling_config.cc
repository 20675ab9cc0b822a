// Names of the samplers.
#include "config/sampling_config.h"

#include "base/check.h"

namespace t3 {

std::string_view SamplerName(Sampler sampler) {
  return sampler == Sampler::kEuler ? "euler" : "unipc";
}

Sampler ParseSampler(std::string_view name) {
  if (name == "euler") return Sampler::kEuler;
  if (name == "unipc") return Sampler::kUniPC;
  FailUsage("'{}' is not a sampler; use euler or unipc", name);
}

}  // namespace t3
