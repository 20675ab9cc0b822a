// The tokenizer inside a GGUF text encoder.
#pragma once

#include "weights/gguf_metadata.h"
#include "weights/types.h"

namespace t3 {

// Adds the U8 tensor `spiece_model`: a sentencepiece model of the `tokenizer.ggml.*` lists, where
// `tokenizer.ggml.model` is "t5" (a unigram vocabulary). The pieces, their scores and types and the
// character map are those of the original; its training settings, which encoding does not use, are
// not. Throws Error when the lists do not fit each other.
void AddGgufTokenizer(const GgufMetadata& metadata, ParsedWeights* weights);

}  // namespace t3
