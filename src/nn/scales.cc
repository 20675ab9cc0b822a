// Shapes and checks of scales.
#include "nn/scales.h"

#include <map>

#include "base/check.h"

namespace t3 {

std::optional<std::vector<int64_t>> ScaleShape(const TensorView& scale,
                                               const std::vector<int64_t>& weight) {
  std::vector<int64_t> shape(weight.size(), 1);
  if (scale.elements() == 1) return shape;
  if (scale.shape.size() == 1 && scale.shape[0] == weight[0]) {
    shape[0] = weight[0];
    return shape;
  }
  if (scale.shape.size() != weight.size()) return std::nullopt;
  for (size_t i = 0; i < weight.size(); ++i) {
    if (scale.shape[i] != 1 && scale.shape[i] != weight[i]) return std::nullopt;
  }
  return scale.shape;
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
        scale.dtype <= DType::kBF16 && ScaleShape(scale, shape),
        "{}: the scale of {} {} is {} {}; wanted a floating-point number, or one per row or per "
        "column",
        views.path, name, ShapeText(shape), DTypeName(scale.dtype), ShapeText(scale.shape));
  }
}

}  // namespace t3
