// The safetensors format: u64 header length, JSON header, data.
#pragma once

#include "weights/byte_reader.h"
#include "weights/types.h"

namespace t3 {

// Reads a whole safetensors file in memory; the views point into it. Throws Error on a broken or
// oversized (100 MB) header, names that occur twice, unsupported dtypes, offsets that are negative,
// outside the file or not the size of the shape, and tensors that overlap or leave bytes of the
// file uncovered.
ParsedWeights ParseSafetensors(Bytes file);

}  // namespace t3
