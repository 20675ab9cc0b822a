// The VAE's tensors: names, shapes, how files call them, and what the sizes tell.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "config/model_config.h"
#include "nn/naming.h"
#include "nn/tensor_spec.h"

namespace t3 {

// Original names, shapes as in the official files, both halves.
TensorTable VaeTensors(const VaeConfig& config);

// Original (also ComfyUI's) and diffusers names. diffusers gives blocks of the two versions the
// same names, so the version comes first.
const Naming& VaeNaming(VaeVersion version);

// 2.2 when the encoder's first convolution has 12 inputs or the decoder's last one 12 outputs.
VaeVersion ReadVaeVersion(const TensorViews& stored);

bool LooksLikeVae(const NamedViews& views);

// Sizes from the tensors. Latent mean and std from `config` (latents_mean and latents_std of a
// diffusers config.json or t3.json; may be null), else metadata t3.latents_mean and
// t3.latents_std, else the version's published ones, else (no 16 or 48 channels) zeros and ones.
VaeConfig ReadVaeConfig(const NamedViews& views, const nlohmann::json* config);

// The metadata by which ReadVaeConfig finds the statistics.
Metadata VaeMetadata(const VaeConfig& config);

}  // namespace t3
