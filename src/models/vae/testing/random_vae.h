// Test support: a small VAE with random weights, of any sizes.
#pragma once

#include "config/model_config.h"
#include "nn/tensor_map.h"

namespace t3 {

// Latent statistics differ from 0 and 1, so that an error in their use shows.
VaeConfig SmallVaeConfig(VaeVersion version, int64_t latent_channels, int64_t encoder_dim,
                         int64_t decoder_dim);

// Every tensor of VaeTensors(config), fp32, scaled so that activations neither vanish nor explode.
TensorMap RandomVaeTensors(const VaeConfig& config, uint64_t seed);

// Normal noise that depends on the seed alone.
at::Tensor SeededNoise(at::IntArrayRef sizes, uint64_t seed);

}  // namespace t3
