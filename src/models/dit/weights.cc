// Weights as the denoiser needs them.
#include "models/dit/weights.h"

#include <ATen/ATen.h>

#include "arch/dit.h"
#include "nn/fp8_weight.h"
#include "ops/dispatch.h"

namespace t3 {

at::Tensor FloatTensor(const TensorMap& tensors, const std::string& name) {
  const at::Tensor& tensor = GetTensor(tensors, name);
  return tensor.to(ComputeType(tensor));
}

Linear FloatLinear(const TensorMap& tensors, const std::string& prefix) {
  Linear linear;
  linear.weight = FloatTensor(tensors, prefix + ".weight");
  linear.bias = FloatTensor(tensors, prefix + ".bias");
  return linear;
}

namespace {

bool AreAdjacent(const std::vector<at::Tensor>& parts) {
  int64_t next = parts.front().storage_offset();
  for (const at::Tensor& part : parts) {
    if (!part.is_contiguous() || !part.is_alias_of(parts.front()) || part.storage_offset() != next)
      return false;
    next += part.numel();
  }
  return true;
}

// Along the first dimension.
at::Tensor Stack(const std::vector<at::Tensor>& parts) {
  if (!AreAdjacent(parts)) return at::cat(parts);
  std::vector<int64_t> sizes = parts.front().sizes().vec();
  sizes[0] = 0;
  for (const at::Tensor& part : parts) sizes[0] += part.size(0);
  return at::as_strided(parts.front(), sizes, parts.front().strides(),
                        parts.front().storage_offset());
}

}  // namespace

Linear Concatenate(const std::vector<Linear>& linears) {
  std::vector<at::Tensor> weights, biases, scales;
  for (const Linear& linear : linears) {
    weights.push_back(linear.weight);
    biases.push_back(linear.bias);
    if (linear.scale.defined()) scales.push_back(linear.scale);
  }
  Linear all;
  all.weight = Stack(weights);
  all.bias = Stack(biases);
  if (!scales.empty()) all.scale = Stack(scales);
  return all;
}

TensorMap WithFp8Weights(const TensorMap& tensors) {
  TensorMap all = tensors;
  for (const auto& [name, tensor] : tensors) {
    if (!IsFp8Weight(name)) continue;
    Fp8Weight weight = QuantiseWeight(tensor);
    all[name] = std::move(weight.codes);
    all[name + "_scale"] = std::move(weight.scale);
  }
  return all;
}

at::Tensor QkvPlaces::operator()(const std::string& name, at::ScalarType dtype) {
  constexpr std::string_view kParts = "qkv", kAttention = ".self_attn.";
  const size_t at = name.find(kAttention) + kAttention.size();
  if (name.find(kAttention) == std::string::npos || name[at + 1] != '.') return {};
  const size_t part = kParts.find(name[at]);
  if (part == std::string_view::npos) return {};
  at::Tensor& all = packed_[name.substr(0, at) + name.substr(at + 1)];
  if (!all.defined()) {
    const auto options = at::TensorOptions(device_).dtype(dtype);
    all = name.ends_with(".weight") ? at::empty({3 * dim_, dim_}, options)
                                    : at::empty({3 * dim_}, options);
  }
  return all.narrow(0, static_cast<int64_t>(part) * dim_, dim_);
}

}  // namespace t3
