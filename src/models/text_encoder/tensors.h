// The text encoder's tensors: names, shapes, how files call them, and what the sizes tell.
#pragma once

#include "config/model_config.h"
#include "nn/naming.h"
#include "nn/tensor_spec.h"

namespace t3 {

// Original names, shapes as in the official file.
TensorTable TextEncoderTensors(const TextEncoderConfig& config);

// Original, transformers and ComfyUI names. A whole UMT5's decoder is left out.
const Naming& TextEncoderNaming();

bool LooksLikeTextEncoder(const NamedViews& views);

// All sizes are in the tensors. Throws Error when one is missing that tells a size.
TextEncoderConfig ReadTextEncoderConfig(const NamedViews& views);

}  // namespace t3
