// Tensors of the VAE: names, shapes, naming schemes of files, and the sizes that they imply.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "arch/naming.h"
#include "arch/tensor_spec.h"
#include "arch/vae_levels.h"
#include "config/model_config.h"

namespace t3 {

// Original names, shapes as in the official files. The halves load separately: encoder.* with
// conv1, which gives the moments, and decoder.* with conv2, which takes the latents.
TensorTable VaeTensors(const VaeConfig& config, VaeHalf half);
TensorTable VaeTensors(const VaeConfig& config);

// Original (ComfyUI uses them too) and diffusers names. diffusers gives blocks of both versions the
// same names, hence the argument.
const Naming& VaeNaming(VaeVersion version);

// 2.2 when the encoder's first convolution has 12 inputs or the decoder's last one 12 outputs.
VaeVersion ReadVaeVersion(const TensorViews& stored);

bool LooksLikeVae(const NamedViews& views);

// Sizes from the tensors. Latent mean and std from the first of: `config` (latents_mean and
// latents_std of a diffusers config.json or t3.json; may be null), metadata t3.latents_mean and
// t3.latents_std, the published values of the version, zeros and ones (if there are neither 16 nor
// 48 channels). Throws Error for a malformed or non-positive value.
VaeConfig ReadVaeConfig(const NamedViews& views, const nlohmann::json* config);

// Metadata from which ReadVaeConfig reads the statistics back.
Metadata VaeMetadata(const VaeConfig& config);

}  // namespace t3
