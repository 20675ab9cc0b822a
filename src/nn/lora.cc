// Merging LoRA files into weights.
#include "nn/lora.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/check.h"
#include "nn/load.h"

namespace t3 {
namespace {

constexpr std::string_view kUnderscoredPrefixes[] = {"lora_unet_", "lora_transformer_"};

int64_t ProductFrom(const std::vector<int64_t>& shape, size_t first) {
  int64_t n = 1;
  for (size_t i = first; i < shape.size(); ++i) n *= shape[i];
  return n;
}

void CheckFits(const LoraFile& file, const std::string& name, const LoraDelta& delta,
               const TensorSpec& spec) {
  const std::string& path = file.file->path();
  if (delta.full) {
    T3_CHECK(delta.full->elements() == spec.elements(), "{}: the change of {} is {}, wanted {}",
             path, name, ShapeText(delta.full->shape), ShapeText(spec.shape));
  }
  if (!delta.up) return;
  T3_CHECK(spec.shape.size() >= 2 && delta.up->shape[0] == spec.shape[0] &&
               ProductFrom(delta.up->shape, 2) == 1 &&
               ProductFrom(delta.down->shape, 1) == ProductFrom(spec.shape, 1),
           "{}: the factors {} and {} of {} do not make its shape {}", path,
           ShapeText(delta.up->shape), ShapeText(delta.down->shape), name, ShapeText(spec.shape));
}

at::Tensor OnDevice(const TensorView& view, const at::Tensor& like) {
  return ToTensor(view).to(like.device(), at::kFloat);
}

}  // namespace

CanonicalModule ModuleNames(const Naming& naming) {
  return [&naming](std::string_view module) -> std::optional<std::string> {
    constexpr std::string_view kPeft = "base_model.model.";
    if (module.starts_with(kPeft)) module.remove_prefix(kPeft.size());
    for (std::string_view prefix : kUnderscoredPrefixes) {
      if (!module.starts_with(prefix)) continue;
      module.remove_prefix(prefix.size());
      const auto match = FindCanonicalUnderscored(naming, module);
      return match ? std::optional(match->name) : std::nullopt;
    }
    const auto match = FindCanonical(naming, module);
    return match ? std::optional(match->name) : std::nullopt;
  };
}

LoraStack::LoraStack(const std::vector<LoraSpec>& specs, const TensorTable& table,
                     const Naming& naming) {
  std::map<std::string, const TensorSpec*> by_name;
  for (const TensorSpec& spec : table) by_name[spec.name] = &spec;
  for (const LoraSpec& spec : specs) {
    LoraFile file = ReadLora(WeightFile::Open(spec.path), ModuleNames(naming));
    for (const auto& [name, delta] : file.deltas) {
      const auto found = by_name.find(name);
      T3_CHECK(found != by_name.end(), "{}: {} changes {}, which the {} does not have", spec.path,
               delta.source, name, naming.network);
      CheckFits(file, name, delta, *found->second);
    }
    loras_.push_back({std::move(file), spec.scale});
  }
}

bool LoraStack::Changes(const std::string& name) const {
  return std::any_of(loras_.begin(), loras_.end(),
                     [&](const Entry& entry) { return entry.file.deltas.contains(name); });
}

std::string LoraStack::Sources(const std::string& name) const {
  std::vector<std::string> paths;
  for (const Entry& entry : loras_) {
    if (entry.file.deltas.contains(name)) paths.push_back(entry.file.file->path());
  }
  return fmt::format("{}", fmt::join(paths, ", "));
}

void LoraStack::AddTo(const std::string& name, at::Tensor& weight) const {
  for (const Entry& entry : loras_) {
    const auto found = entry.file.deltas.find(name);
    if (found == entry.file.deltas.end()) continue;
    const LoraDelta& delta = found->second;
    if (delta.up) {
      const at::Tensor product =
          at::mm(OnDevice(*delta.up, weight).flatten(1), OnDevice(*delta.down, weight).flatten(1));
      weight.add_(product.view(weight.sizes()), entry.scale * delta.factor);
    }
    if (delta.full) weight.add_(OnDevice(*delta.full, weight).view(weight.sizes()), entry.scale);
  }
}

}  // namespace t3
