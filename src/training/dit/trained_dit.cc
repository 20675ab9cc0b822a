// Loads the weights and builds the network from them.
#include "training/dit/trained_dit.h"

#include <ATen/ATen.h>

#include "arch/dit.h"
#include "loading/load_models.h"
#include "models/dit/weights.h"
#include "nn/load.h"
#include "training/dit/lora.h"

namespace t3 {
namespace {

LoadOptions LoadAs(const ModelInfo& model, at::ScalarType dtype, at::Device device) {
  LoadOptions options;
  options.device = device;
  options.dtype = dtype;
  options.dtype_for = [dtype](const std::string& name) {
    return IsFloatTensor(name) ? at::kFloat : dtype;
  };
  options.loras = LoraSpecs(model);
  return options;
}

}  // namespace

std::shared_ptr<const TensorMap> LoadFrozenDit(const ModelInfo& model, at::ScalarType dtype,
                                               at::Device device) {
  return std::make_shared<const TensorMap>(LoadTensors(model.dit_views, DitTensors(model.dit),
                                                       DitNaming(), LoadAs(model, dtype, device)));
}

TrainedDit::TrainedDit(const ModelInfo& model, const std::optional<LoraConfig>& lora,
                       std::shared_ptr<const TensorMap> frozen, int64_t seed, at::ScalarType dtype,
                       at::Device device)
    : dit_(model.dit), lora_(lora), dtype_(dtype) {
  if (lora) {
    frozen_ = frozen ? std::move(frozen) : LoadFrozenDit(model, dtype, device);
    leaves_ = InitLora(*lora, DitTensors(model.dit), seed, device);
    return;
  }
  const auto loaded = LoadFrozenDit(model, at::kFloat, device);
  for (const auto& [name, tensor] : *loaded) leaves_[name] = tensor.detach().requires_grad_();
}

TensorMap TrainedDit::Weights(const TensorMap& weights) const {
  if (lora_) return ApplyLora(*frozen_, weights, *lora_);
  TensorMap cast = weights;
  for (auto& [name, tensor] : cast) {
    if (!IsFloatTensor(name)) tensor = tensor.to(dtype_);
  }
  return cast;
}

Dit TrainedDit::Model(const TensorMap& weights) const { return {dit_, Weights(weights)}; }

}  // namespace t3
