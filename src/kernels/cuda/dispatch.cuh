// From a run-time element type to a template argument.
#pragma once

#include <cuda_bf16.h>

#include "kernels/types.h"

namespace t3::kernels {

// Calls f.template operator()<T>() with T the CUDA type of `type`.
template <typename F>
void DispatchDType(DType type, F f) {
  if (type == DType::kFloat32) {
    f.template operator()<float>();
  } else {
    f.template operator()<__nv_bfloat16>();
  }
}

}  // namespace t3::kernels
