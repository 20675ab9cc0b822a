// Where a denoising run is, between two steps.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>

namespace t3 {

// All that the next step needs of the steps before.
struct SamplerState {
  int64_t step = 0;                          // steps that are done
  at::Tensor latents;                        // (z,T,h,w) fp32
  std::map<std::string, at::Tensor> solver;  // Solver::State()
};

}  // namespace t3
