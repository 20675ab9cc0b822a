// Weights into memory: each network of an opened model on its device.
#pragma once

#include <memory>

#include "arch/vae_levels.h"
#include "models/dit/dit.h"
#include "models/text_encoder/text_encoder.h"
#include "models/vae/vae.h"
#include "pipeline/memory_check.h"
#include "pipeline/model_info.h"
#include "pipeline/stage.h"
#include "tokenizer/tokenizer.h"

namespace t3 {

// Each reports its own stage ("loading ...") in bytes and throws Error for tensors that are
// missing, surplus, misshapen or not finite, LoRAs that do not fit, and a part that the model
// lacks.
//
// The denoiser's blocks are on the device, or in host memory (pinned where the device is a GPU) and
// brought to it as they are used: slower at most, never different.
enum class BlockWeights { kOnDevice, kOnHost };
inline BlockWeights BlockWeightsOf(const RunMemory& memory) {
  return memory.stream_weights ? BlockWeights::kOnHost : BlockWeights::kOnDevice;
}
Dit LoadDit(const ModelInfo& model, at::ScalarType dtype, BlockWeights where,
            const RunContext& context);
TextEncoder LoadTextEncoder(const ModelInfo& model, at::Device device, at::ScalarType dtype,
                            const RunContext& context);
// One half of the VAE; the other is not read. Images are encoded in fp32 (bf16 encoding is not
// safe, model.md 3), videos decoded in the run's dtype.
Vae LoadVae(const ModelInfo& model, VaeHalf half, at::ScalarType dtype, const RunContext& context);

// From the model's own file, or from the bytes that ComfyUI's text encoder files carry.
Tokenizer LoadTokenizer(const ModelInfo& model);

// What would keep a part from being used, found without reading weights: it is not there, tensors
// are missing, surplus or misshapen, LoRAs or the tokenizer do not fit. Throw Error.
void CheckDit(const ModelInfo& model);
void CheckTextEncoder(const ModelInfo& model);
void CheckVae(const ModelInfo& model);

}  // namespace t3
