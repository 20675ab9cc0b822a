// Random weights: a seed gives the same on every machine and with any number of threads.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>

#include "arch/tensor_spec.h"

namespace t3 {

struct RandomScale {
  double mean = 0;
  double std = 1;
};

// mean + std * (a sum of four uniform variables: nearly normal, at most 3.46 std), each element
// from a hash of the seed, the name and its index. Shape of `spec`, on the CPU.
at::Tensor RandomTensor(const TensorSpec& spec, RandomScale scale, uint64_t seed,
                        at::ScalarType dtype);

// 1/sqrt(inputs) for matrices and convolutions, about 1 for norms, small for biases, 1/sqrt(width)
// for modulation, so that activations keep their magnitude through a network.
RandomScale DefaultScale(const TensorSpec& spec);

// Writes the tensors of `table` as safetensors, one at a time; the file is created atomically.
// Throws Error if it cannot be written.
void WriteRandomWeights(const std::string& path, const TensorTable& table,
                        const std::function<RandomScale(const TensorSpec&)>& scale, uint64_t seed,
                        at::ScalarType dtype, const Metadata& metadata,
                        const std::function<void(int64_t done, int64_t total)>& progress);

}  // namespace t3
