// Tensors of the text encoder (UMT5): names, shapes, naming schemes of files, and the sizes that
// they imply.
#pragma once

#include "arch/naming.h"
#include "arch/tensor_spec.h"
#include "config/model_config.h"

namespace t3 {

// Original names, shapes as in the official file.
TensorTable TextEncoderTensors(const TextEncoderConfig& config);

// Original, transformers, ComfyUI and llama.cpp names. A whole UMT5's decoder is left out.
const Naming& TextEncoderNaming();

// Whether the tensor with this original name is a matrix of a layer's products, which files have as
// e4m3 codes: not the embedding of tokens, nor that of positions.
bool IsFp8TextWeight(std::string_view name);

// Bytes of the tensors in a run that stores them at `element_bytes`; with `fp8` those that
// IsFp8TextWeight names are codes with a scale per row.
int64_t TextWeightBytes(const TensorTable& table, int64_t element_bytes, bool fp8);

bool LooksLikeTextEncoder(const NamedViews& views);

// Throws Error if a tensor is missing from which a size is read.
TextEncoderConfig ReadTextEncoderConfig(const NamedViews& views);

}  // namespace t3
