// What is known of a decoder of either kind: a VAE's, or a TAEHV.
#pragma once

#include <cstdint>
#include <string>

#include "arch/tensor_spec.h"
#include "config/model_config.h"

namespace t3 {

// "VAE 2.1", "VAE 2.1 of width 24" where the release has another, "TAEHV", "TAEHV super".
std::string DecoderName(const DecoderConfig& config);

// The tensors that decoding reads, under their original names.
TensorTable DecoderTensors(const DecoderConfig& config);

int64_t LatentChannels(const DecoderConfig& config);
int64_t SpatialStride(const DecoderConfig& config);

}  // namespace t3
