// Codes from a file, or of numbers.
#include "nn/fp8_weight.h"

#include <ATen/ATen.h>

#include <utility>

#include "nn/scales.h"
#include "nn/stored_tensor.h"
#include "ops/fp8/quantise.h"

namespace t3 {

Fp8Weight QuantiseWeight(const at::Tensor& weight) {
  LinearInput rows = QuantiseRows(weight);
  return {std::move(rows.values), std::move(rows.scale)};
}

bool HasFp8Weight(const NamedViews& views, const std::string& name) {
  const TensorView& view = views.tensors.at(name);
  if (view.dtype != DType::kF8E4M3 || view.shape.size() != 2) return false;
  const auto found = views.scales.find(name);
  if (found == views.scales.end()) return true;
  const auto counts = ScaleShape(found->second.shape, view.shape);
  return counts && (*counts)[1] == 1 && ((*counts)[0] == 1 || (*counts)[0] == view.shape[0]);
}

std::optional<Fp8Weight> StoredFp8Weight(const NamedViews& views, const std::string& name,
                                         at::Device device) {
  if (!HasFp8Weight(views, name)) return std::nullopt;
  const TensorView& view = views.tensors.at(name);
  const int64_t out = view.shape[0];
  const auto found = views.scales.find(name);
  at::Tensor scale = at::ones({1}, at::device(device).dtype(at::kFloat));
  if (found != views.scales.end()) {
    scale = LoadStored(found->second, device, at::kFloat).view({-1});
  }
  return Fp8Weight{LoadStored(view, device, at::kFloat8_e4m3fn), scale.expand({out}).contiguous()};
}

}  // namespace t3
