// Names of the forms.
#include "tools/quantised_forms.h"

#include <fmt/format.h>

#include <algorithm>

#include "nn/scales.h"

namespace t3 {
namespace {

// How scales multiply the weights of a dtype.
std::string ScaleText(const TensorView& scale, const TensorView& weight) {
  const auto counts = ScaleShape(scale.shape, weight.shape);
  if (!counts) return "scales that do not fit";
  const bool rows = counts->front() == weight.shape.front();
  const bool others =
      std::all_of(counts->begin() + 1, counts->end(), [](auto n) { return n == 1; });
  if (others && counts->front() == 1) return "a scale per tensor";
  if (others && rows) return "a scale per row";
  return "a scale per block";
}

}  // namespace

std::map<std::string, std::string> QuantisedForms(const NamedViews& views) {
  std::map<std::string, std::string> kinds;
  for (const auto& [name, view] : views.tensors) {
    const auto scale = views.scales.find(name);
    const DTypeBlock block = BlockOf(view.dtype);
    std::string kind;
    if (IsQuantised(view.dtype)) {
      kind = fmt::format("{:.4g} bits a value", 8.0 * static_cast<double>(block.bytes) /
                                                    static_cast<double>(block.elements));
    } else if (scale != views.scales.end() && !view.shape.empty()) {
      kind = ScaleText(scale->second, view);
    }
    std::string& text = kinds[std::string(DTypeName(view.dtype))];
    if (!kind.empty() && text.find(kind) == std::string::npos) {
      text += (text.empty() ? "" : " or ") + kind;
    }
  }
  std::erase_if(kinds, [](const auto& item) { return item.second.empty(); });
  return kinds;
}

}  // namespace t3
