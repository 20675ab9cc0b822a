// Low-rank adapters, trained over frozen weights.
#pragma once

#include <cstdint>
#include <string>

#include "arch/tensor_spec.h"
#include "nn/tensor_map.h"
#include "training/dit/dit_config.h"

namespace t3 {

// New factors for every matrix MODULE.weight of a block in `table` whose module ends in a target
// ("q" means self_attn.q and cross_attn.q): MODULE.lora_A.weight (rank, in), uniform within
// 1/sqrt(in), and MODULE.lora_B.weight (out, rank), zero. fp32 leaves on `device`. Throws Error for
// a target that no module has.
TensorMap InitLora(const LoraConfig& config, const TensorTable& table, int64_t seed,
                   at::Device device);

// The weights plus alpha / rank * B A, added in fp32 before the cast to the weight's dtype;
// differentiable with respect to the factors.
TensorMap ApplyLora(const TensorMap& frozen, const TensorMap& factors, const LoraConfig& config);

// A LoRA file with the names that other programs load: "diffusion_model.MODULE.lora_A.weight",
// ".lora_B.weight" and ".alpha". `factors` as InitLora names them, written
// in `dtype`.
void SaveLora(const std::string& path, const TensorMap& factors, const LoraConfig& config,
              at::ScalarType dtype, const Metadata& metadata);

}  // namespace t3
