// Loads the networks of an opened model onto their devices.
#pragma once

#include <memory>
#include <vector>

#include "arch/vae_levels.h"
#include "loading/model_info.h"
#include "models/decoder/video_decoder.h"
#include "models/dit/dit.h"
#include "models/text_encoder/text_encoder.h"
#include "models/vae/vae.h"
#include "nn/lora.h"
#include "runtime/stage.h"
#include "tokenizer/tokenizer.h"

namespace t3 {

// The model's LoRAs as the loader takes them.
std::vector<LoraSpec> LoraSpecs(const ModelInfo& model);

// Each reports its own stage ("loading ...") in bytes and throws Error for tensors that are
// missing, surplus, misshapen or not finite, LoRAs that do not fit, and a part that the model
// lacks.
//
// The denoiser's blocks are on the device, or in host memory (pinned where the device is a GPU) and
// brought to it as they are used: slower, with the same results. With `also_bf16` a denoiser in fp8
// has its bf16 form too.
enum class BlockWeights { kOnDevice, kOnHost };
Dit LoadDit(const ModelInfo& model, at::ScalarType dtype, BlockWeights where,
            const RunContext& context, bool also_bf16 = false);
TextEncoder LoadTextEncoder(const ModelInfo& model, at::Device device, at::ScalarType dtype,
                            const RunContext& context);
// One half of the VAE; the other is not read. Images are encoded in fp32, because the first frame is
// kept as it is; clips to refine in ClipEncoderDtype; videos decoded in the run's dtype.
Vae LoadVae(const ModelInfo& model, VaeHalf half, at::ScalarType dtype, const RunContext& context);
// The network that decodes: the model's decoder where one was given, else the VAE's half.
std::unique_ptr<VideoDecoder> LoadDecoder(const ModelInfo& model, at::ScalarType dtype,
                                          const RunContext& context);

// From the model's spiece.model, or from the bytes in ComfyUI's text encoder files.
Tokenizer LoadTokenizer(const ModelInfo& model);

// Check without reading weights that a part can be used. Throw Error if it does not exist, tensors
// are missing, surplus or misshapen, or LoRAs (those for refining too) or the tokenizer do not fit.
void CheckDit(const ModelInfo& model);
void CheckTextEncoder(const ModelInfo& model);
void CheckVae(const ModelInfo& model);
void CheckDecoder(const ModelInfo& model);

}  // namespace t3
