// The state of a denoising run between two steps.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>

namespace t3 {

// All that the next step needs from the previous ones.
struct SamplerState {
  int64_t step = 0;                          // completed steps
  at::Tensor latents;                        // (z,T,h,w) fp32
  std::map<std::string, at::Tensor> solver;  // Solver::State()
};

}  // namespace t3
