// Test support: random weights and pictures that tools/oracle_scores.py makes too, and what the
// published code computed from them.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "arch/tensor_spec.h"
#include "nn/random_weights.h"
#include "nn/stored_tensor.h"
#include "nn/tensor_map.h"
#include "weights/weight_file.h"

namespace t3 {

inline RandomScale OracleScale(const TensorSpec& spec) {
  const std::string& name = spec.name;
  if (name.find("position") != std::string::npos || name.find("scale_emb") != std::string::npos ||
      name.ends_with("bias_table")) {
    return {0, 0.5};
  }
  if (spec.shape.size() == 1) {
    return name.ends_with("weight") || name.ends_with("gamma") ? RandomScale{1, 0.1}
                                                               : RandomScale{0, 0.1};
  }
  const double inputs = static_cast<double>(spec.elements()) / static_cast<double>(spec.shape[0]);
  return {0, 1 / std::sqrt(inputs)};
}

// On the device of the test.
inline TensorMap OracleWeights(const TensorTable& table) {
  constexpr uint64_t kSeed = 7;
  at::globalContext().setAllowTF32CuDNN(false);  // as the program does (runtime/device.h)
  TensorMap tensors;
  for (const TensorSpec& spec : table) {
    tensors[spec.name] =
        RandomTensor(spec, OracleScale(spec), kSeed, at::kFloat).to(T3_TEST_DEVICE);
  }
  return tensors;
}

// uint8 (frames,3,height,width).
inline at::Tensor OraclePattern(int64_t frames, int64_t height, int64_t width) {
  const at::Tensor t = at::arange(frames).view({-1, 1, 1, 1});
  const at::Tensor c = at::arange(3).view({-1, 1, 1});
  const at::Tensor y = at::arange(height).view({-1, 1});
  const at::Tensor x = at::arange(width);
  return (3 * x + 5 * y + 7 * t + 40 * c + at::floor_divide(x * y, 16))
      .remainder(256)
      .to(at::kByte);
}

inline at::Tensor OracleValue(const std::string& name, const char* file = "score_networks") {
  const auto values =
      WeightFile::Open(std::string(T3_SOURCE_DIR "/tests/data/oracle/") + file + ".safetensors");
  return ToTensor(values->tensors().at(name));
}

// Every sixteenth row and column, as the oracle stores views.
inline at::Tensor OracleCrop(const at::Tensor& view) {
  return view.slice(-2, 0, std::nullopt, 16).slice(-1, 0, std::nullopt, 16);
}

// The largest difference, relative to the largest value where that is above 1; NaN counts as
// infinite.
inline double OracleError(const at::Tensor& actual, const at::Tensor& wanted) {
  EXPECT_EQ(actual.sizes(), wanted.sizes());
  if (actual.sizes() != wanted.sizes()) return INFINITY;
  const at::Tensor expected = wanted.to(at::kDouble);
  const double error = (actual.to(at::kCPU, at::kDouble) - expected).abs().max().item<double>();
  return std::isnan(error) ? INFINITY : error / std::max(1.0, expected.abs().max().item<double>());
}

inline constexpr double kOracleTolerance = 1e-4;

}  // namespace t3
