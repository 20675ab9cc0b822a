// Merging LoRA files into weights.
#include "nn/lora.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "nn/stored_tensor.h"

namespace t3 {
namespace {

// kohya's names have '_' for '.'; some writers put '_' or the network's prefix between as well.
constexpr std::string_view kUnderscoredPrefixes[] = {"lora_unet_", "lora_transformer_",
                                                     "lora_dit_",  "lora_denoiser_",
                                                     "lycoris_",   "lora_diffusion_model_"};
constexpr std::string_view kUnderscoredInner[] = {"_",     "model_", "diffusion_model_",
                                                  "unet_", "dit_",   "transformer_"};
constexpr std::string_view kDottedPrefixes[] = {"base_model.model.", "base_model.", "lora_unet.",
                                                "lora_transformer."};

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
  return LoadStored(view, like.device(), at::kFloat);
}

template <typename Prefixes>
bool RemovePrefix(const Prefixes& prefixes, std::string_view* name) {
  for (const std::string_view prefix : prefixes) {
    if (!name->starts_with(prefix)) continue;
    name->remove_prefix(prefix.size());
    return true;
  }
  return false;
}

std::optional<std::string> CanonicalModule(const Naming& naming, std::string_view module) {
  while (RemovePrefix(kDottedPrefixes, &module)) {
  }
  auto match = FindCanonical(naming, module);
  if (!match && RemovePrefix(kUnderscoredPrefixes, &module)) {
    do {
      match = FindCanonicalUnderscored(naming, module);
    } while (!match && RemovePrefix(kUnderscoredInner, &module));
  }
  return match ? std::optional(match->name) : std::nullopt;
}

bool IsImageLayer(const Naming& naming, std::string_view module) {
  return std::any_of(naming.image_layers.begin(), naming.image_layers.end(),
                     [&](const std::string& part) {
                       std::string underscored = part;
                       std::replace(underscored.begin(), underscored.end(), '.', '_');
                       return module.find(part) != std::string_view::npos ||
                              module.find(underscored) != std::string_view::npos;
                     });
}

void CheckFinite(const at::Tensor& change, const std::string& path, const std::string& source) {
  T3_CHECK(change.isfinite().all().item<bool>(),
           "{}: the LoRA's tensor {} holds NaN or infinity, or its product overflows; the file is "
           "damaged, or its training failed",
           path, Quote(source));
}

}  // namespace

LoraModules ModulesOf(const Naming& naming) {
  return {.canonical = [&naming](auto module) { return CanonicalModule(naming, module); },
          .is_image_layer = [&naming](auto module) { return IsImageLayer(naming, module); }};
}

LoraStack::LoraStack(const std::vector<LoraSpec>& specs, const TensorTable& table,
                     const Naming& naming) {
  std::map<std::string, const TensorSpec*> by_name;
  for (const TensorSpec& spec : table) by_name[spec.name] = &spec;
  for (const LoraSpec& spec : specs) {
    LoraFile file = ReadLora(WeightFile::Open(FindLoraFile(spec.path)), ModulesOf(naming));
    for (const auto& [name, delta] : file.deltas) {
      const auto found = by_name.find(name);
      T3_CHECK(found != by_name.end(), "{}: {} changes {}, which the {} does not have", spec.path,
               Quote(delta.source), name, naming.network);
      CheckFits(file, name, delta, *found->second);
    }
    loras_.push_back({std::move(file), spec.scale});
  }
}

bool LoraStack::Changes(const std::string& name) const {
  return std::any_of(loras_.begin(), loras_.end(),
                     [&](const Entry& entry) { return entry.file.deltas.contains(name); });
}

void LoraStack::AddTo(const std::string& name, at::Tensor& weight) const {
  for (const Entry& entry : loras_) {
    const auto found = entry.file.deltas.find(name);
    if (found == entry.file.deltas.end()) continue;
    const LoraDelta& delta = found->second;
    const std::string& path = entry.file.file->path();
    if (delta.up) {
      const at::Tensor product =
          at::mm(OnDevice(*delta.up, weight).flatten(1), OnDevice(*delta.down, weight).flatten(1));
      CheckFinite(product, path, delta.source);
      weight.add_(product.view(weight.sizes()), entry.scale * delta.factor);
    }
    if (delta.full) {
      const at::Tensor full = OnDevice(*delta.full, weight);
      CheckFinite(full, path, delta.source);
      weight.add_(full.view(weight.sizes()), entry.scale * delta.full_factor);
    }
  }
}

}  // namespace t3
