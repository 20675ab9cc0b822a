// The GGUF format (versions 2 and 3, little-endian): metadata, table of tensors, aligned data.
#pragma once

#include "weights/byte_reader.h"
#include "weights/types.h"

namespace t3 {

// Reads a whole GGUF file in memory; the views point into it. Shapes have the slowest axis first,
// as in safetensors, and are those of `comfy.gguf.orig_shape.NAME` where the file has that list.
// Metadata: strings, and numbers in decimal; lists are left out. A tokenizer inside
// (`tokenizer.ggml.*`) becomes the U8 tensor `spiece_model`, a sentencepiece model. Throws Error on
// truncated and oversized (100 MB) headers, sizes and offsets that lie, tensors that overlap, names
// that come twice, and types that t3 does not read, by their names.
ParsedWeights ParseGguf(Bytes file);

}  // namespace t3
