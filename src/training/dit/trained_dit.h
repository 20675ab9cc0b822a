// A denoiser in training: all of its weights, or a LoRA on weights that stay.
#pragma once

#include <memory>
#include <optional>

#include "loading/model_info.h"
#include "models/dit/dit.h"
#include "nn/tensor_map.h"
#include "training/dit/dit_config.h"

namespace t3 {

// The model's weights with its LoRAs merged, in `dtype` but for small, sensitive ones, which are
// fp32. Several networks may share them.
std::shared_ptr<const TensorMap> LoadFrozenDit(const ModelInfo& model, at::ScalarType dtype,
                                               at::Device device);

class TrainedDit {
 public:
  // `frozen`: the weights under a LoRA (LoadFrozenDit); loaded where it is null, and not used
  // without a LoRA. `seed`: of the LoRA's start. Throws Error as loading does.
  TrainedDit(const ModelInfo& model, const std::optional<LoraConfig>& lora,
             std::shared_ptr<const TensorMap> frozen, int64_t seed, at::ScalarType dtype,
             at::Device device);

  // fp32 leaves: by the original names, or those of InitLora.
  const TensorMap& leaves() const { return leaves_; }
  // The denoiser with `weights` in place of the leaves; differentiable with respect to them. In
  // bf16 it computes with bf16 copies.
  Dit Model(const TensorMap& weights) const;
  // Those weights by the original names.
  TensorMap Weights(const TensorMap& weights) const;

 private:
  DitConfig dit_;
  std::optional<LoraConfig> lora_;
  at::ScalarType dtype_;
  std::shared_ptr<const TensorMap> frozen_;  // null without a LoRA
  TensorMap leaves_;
};

}  // namespace t3
