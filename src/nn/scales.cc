// Shapes and checks of scales.
#include "nn/scales.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>

#include "base/check.h"

namespace t3 {

std::optional<std::vector<int64_t>> ScaleShape(const std::vector<int64_t>& scale,
                                               const std::vector<int64_t>& weight) {
  std::vector<int64_t> shape(weight.size(), 1);
  if (std::all_of(scale.begin(), scale.end(), [](int64_t size) { return size == 1; })) return shape;
  if (scale.size() == 1 && !weight.empty() && scale[0] == weight[0]) {
    shape[0] = weight[0];
    return shape;
  }
  if (scale.size() != weight.size()) return std::nullopt;
  for (size_t i = 0; i < weight.size(); ++i) {
    if (scale[i] < 1 || weight[i] % scale[i] != 0) return std::nullopt;
  }
  return scale;
}

void ApplyScale(const at::Tensor& scale, const at::Tensor& weight) {
  const std::vector<int64_t> counts = ScaleShape(scale.sizes().vec(), weight.sizes().vec()).value();
  // Every axis as blocks and places within a block.
  std::vector<int64_t> split;
  std::vector<int64_t> factors;
  for (size_t i = 0; i < counts.size(); ++i) {
    split.insert(split.end(), {counts[i], weight.size(static_cast<int64_t>(i)) / counts[i]});
    factors.insert(factors.end(), {counts[i], 1});
  }
  weight.view(split).mul_(scale.view(factors));
}

void CheckScales(const NamedViews& views, const TensorTable& table, const std::string& network) {
  std::map<std::string, const TensorSpec*> by_name;
  for (const TensorSpec& spec : table) by_name[spec.name] = &spec;
  for (const auto& [name, scale] : views.scales) {
    const auto found = by_name.find(name);
    T3_CHECK(found != by_name.end(), "{} has a scale for {}, which the {} does not have",
             views.path, name, network);
    const std::vector<int64_t>& shape = found->second->shape;
    T3_CHECK(
        scale.dtype <= DType::kBF16 && ScaleShape(scale.shape, shape),
        "{}: the scale of {} {} is {} {}; wanted a floating-point number, or one per row, column "
        "or block",
        views.path, name, ShapeText(shape), DTypeName(scale.dtype), ShapeText(scale.shape));
  }
}

}  // namespace t3
