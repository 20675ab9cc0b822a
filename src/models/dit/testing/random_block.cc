// Random weights of one block by the table of tensors.
#include "models/dit/testing/random_block.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

#include "arch/dit.h"

namespace t3 {

at::Tensor RandomNormal(at::IntArrayRef sizes, uint64_t seed) {
  return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(seed));
}

TensorMap RandomBlock(const DitConfig& config, uint64_t seed) {
  const std::string prefix = "blocks.0.";
  TensorMap tensors;
  for (const TensorSpec& spec : DitTensors(config)) {
    if (!spec.name.starts_with(prefix)) continue;
    const std::string name = spec.name.substr(prefix.size());
    const at::Tensor noise = RandomNormal(spec.shape, ++seed);
    if (name.find("norm") != std::string::npos && name.ends_with(".weight")) {
      tensors[name] = 1 + 0.2 * noise;
    } else if (name == "modulation" || name.ends_with(".bias")) {
      tensors[name] = 0.2 * noise;
    } else {
      tensors[name] = noise / std::sqrt(static_cast<double>(spec.shape.back()));
    }
  }
  return tensors;
}

}  // namespace t3
