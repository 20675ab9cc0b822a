// Random weights of one block for tests.
#pragma once

#include <ATen/core/Tensor.h>

#include "config/model_config.h"
#include "nn/tensor_map.h"

namespace t3 {

// The tensors of a block under names without "blocks.N.", of such sizes that activations stay near
// 1. The same values on every device: they are drawn on the CPU.
TensorMap RandomBlock(const DitConfig& config, uint64_t seed);

// Standard normal, drawn on the CPU.
at::Tensor RandomNormal(at::IntArrayRef sizes, uint64_t seed);

}  // namespace t3
