// Random weights by the table of tensors.
#include "models/vae/testing/random_vae.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

#include "arch/vae.h"

namespace t3 {

VaeConfig SmallVaeConfig(VaeVersion version, int64_t latent_channels, int64_t encoder_dim,
                         int64_t decoder_dim) {
  VaeConfig config{.version = version,
                   .latent_channels = latent_channels,
                   .encoder_dim = encoder_dim,
                   .decoder_dim = decoder_dim,
                   .mean = {},
                   .std = {}};
  for (int64_t i = 0; i < latent_channels; ++i) {
    config.mean.push_back(0.1 * static_cast<double>(i) - 0.2);
    config.std.push_back(0.5 + 0.1 * static_cast<double>(i));
  }
  return config;
}

at::Tensor SeededNoise(at::IntArrayRef sizes, uint64_t seed) {
  return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(seed));
}

TensorMap RandomVaeTensors(const VaeConfig& config, uint64_t seed) {
  TensorMap tensors;
  for (const TensorSpec& spec : VaeTensors(config)) {
    const at::Tensor noise = SeededNoise(spec.shape, ++seed);
    if (spec.name.ends_with(".gamma")) {
      tensors[spec.name] = 1 + 0.2 * noise;
    } else if (spec.name.ends_with(".bias")) {
      tensors[spec.name] = 0.1 * noise;
    } else {
      const int64_t fan_in = noise.numel() / noise.size(0);
      tensors[spec.name] = noise / std::sqrt(static_cast<double>(fan_in));
    }
  }
  return tensors;
}

}  // namespace t3
