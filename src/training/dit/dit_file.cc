// Writes a denoiser, whole or as a LoRA.
#include "training/dit/dit_file.h"

#include <ATen/ATen.h>

#include <filesystem>

#include "arch/dit.h"
#include "loading/tensor_file.h"
#include "models/dit/weights.h"
#include "nn/convert.h"
#include "plan/windows.h"
#include "training/dit/lora.h"
#include "training/dit/model_folder.h"

namespace t3 {
namespace {

// Small, sensitive tensors stay in fp32, as in `t3 init` and the loader.
at::Tensor ToSaved(const std::string& name, const at::Tensor& tensor, const std::string& dtype) {
  return dtype == "bf16" && !IsFloatTensor(name) ? tensor.to(at::kBFloat16) : tensor;
}

}  // namespace

Metadata AttentionMetadata(const AttentionConfig& config, const ModelInfo& model) {
  const AttentionPattern pattern = config.attention.value_or(model.attention.pattern);
  const std::string& windows = config.windows.empty() ? model.attention.windows : config.windows;
  Metadata metadata{{"t3.attention", std::string(AttentionName(pattern))}};
  if (pattern == AttentionPattern::kFull) return metadata;
  if (windows.empty()) {
    metadata["t3.planner"] = std::to_string(kPlannerVersion);
  } else {
    metadata["t3.windows"] = windows;
  }
  return metadata;
}

void SaveDit(const DitTrainConfig& config, const ModelInfo& model, const TensorMap& weights,
             const Metadata& more, const std::string& folder) {
  const std::filesystem::path root(folder);
  Metadata trained = AttentionMetadata(config, model);
  trained.insert(more.begin(), more.end());
  Metadata metadata = DitMetadata(model.dit);
  metadata.insert(trained.begin(), trained.end());
  const std::string file = (root / kDitFile).string();
  if (config.lora) {
    const std::string lora = (root / "lora.safetensors").string();
    const at::ScalarType dtype = config.save_dtype == "bf16" ? at::kBFloat16 : at::kFloat;
    SaveLora(lora, weights, *config.lora, dtype, trained);
    ConvertOptions options;
    options.dtype = dtype;
    for (const Lora& base : model.loras) options.loras.push_back({base.path, base.scale});
    options.loras.push_back({lora, 1});
    options.metadata = metadata;
    ConvertWeights(model.dit_views, DitTensors(model.dit), DitNaming(), options, file);
    return;
  }
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const auto& [name, tensor] : weights) {
    tensors.emplace_back(name, ToSaved(name, tensor, config.save_dtype));
  }
  SaveTensors(file, tensors, metadata);
}

}  // namespace t3
