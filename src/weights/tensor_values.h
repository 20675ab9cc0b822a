// Values of stored tensors, read without torch.
#pragma once

#include <optional>

#include "weights/types.h"

namespace t3 {

// The value of a tensor of one element; nullopt for other sizes and for dtypes that hold no numbers
// (fp8, bytes, booleans).
std::optional<double> ScalarValue(const TensorView& view);

// False when a value is NaN or infinite. Reads all of the tensor; integers are finite.
bool AllFinite(const TensorView& view);

// True when every value is 0 (or -0). A quantised tensor counts as zero where all of its bytes are.
bool AllZero(const TensorView& view);

}  // namespace t3
