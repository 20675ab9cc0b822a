// The files of a trained denoiser.
#pragma once

#include <string>

#include "arch/naming.h"
#include "loading/model_info.h"
#include "nn/tensor_map.h"
#include "training/dit/dit_config.h"

namespace t3 {

// How the trained model attends, for its file.
Metadata AttentionMetadata(const AttentionConfig& config, const ModelInfo& model);

// Writes the denoiser into `folder`, which exists: `weights` by the names of TrainedDit::leaves.
// Under a LoRA that is lora.safetensors and a denoiser with it merged. Both files get
// AttentionMetadata and `more`.
void SaveDit(const DitTrainConfig& config, const ModelInfo& model, const TensorMap& weights,
             const Metadata& more, const std::string& folder);

}  // namespace t3
