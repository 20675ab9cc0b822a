// Weights as the denoiser needs them: some in fp32 whatever the file has, some packed.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/model_config.h"
#include "nn/linear.h"

namespace t3 {

// The tensor in fp32 (fp64 stays).
at::Tensor FloatTensor(const TensorMap& tensors, const std::string& name);
// The Linear in fp32, for layers so small that this costs nothing.
Linear FloatLinear(const TensorMap& tensors, const std::string& prefix);
// Linears of one input as one with concatenated outputs: a view if the parts are adjacent in
// memory, else a copy.
Linear Concatenate(const std::vector<Linear>& linears);

// The same tensors with e4m3 codes of those that IsFp8Weight (arch/dit.h) names, "X.weight", and
// their scales as "X.weight_scale" (nn/linear.h).
TensorMap WithFp8Weights(const TensorMap& tensors);

// Places for a loader (nn/load.h) at which q, k and v of each self-attention are adjacent, so that
// Concatenate copies nothing and they are never in memory twice.
class QkvPlaces {
 public:
  QkvPlaces(const DitConfig& config, at::Device device) : dim_(config.dim), device_(device) {}
  // Undefined for tensors with other original names.
  at::Tensor operator()(const std::string& name, at::ScalarType dtype);

 private:
  int64_t dim_;
  at::Device device_;
  std::map<std::string, at::Tensor> packed_;  // by name without the part
};

}  // namespace t3
