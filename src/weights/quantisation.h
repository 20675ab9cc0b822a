// Quantised forms of weights that t3 does not read.
#pragma once

#include <string>

#include "weights/types.h"

namespace t3 {

// What the file is quantised to and how that shows: "NVFP4 (blocks.0.ffn.0.comfy_quant)". Empty for
// files that are not quantised and for what nn/load reads: ggml's blocks, and fp8 or int8 weights
// with a scale per tensor, row, column or block, as ComfyUI and LightX2V write them.
std::string FindUnsupportedQuantisation(const TensorViews& tensors, const Metadata& metadata);

// Throws Error that says so and what to use instead; `path` names the file.
void CheckNotQuantised(const TensorViews& tensors, const Metadata& metadata,
                       const std::string& path);

}  // namespace t3
