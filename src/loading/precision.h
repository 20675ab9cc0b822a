// In which dtypes a network computes and stores its weights.
#pragma once

#include <c10/core/ScalarType.h>

#include "loading/model_info.h"
#include "runtime/device.h"

namespace t3 {

struct Precision {
  at::ScalarType compute = at::kFloat;
  at::ScalarType stored = at::kFloat;  // of large weights; layers convert them when they run
  // Weights that IsFp8Weight (arch/dit.h) or IsFp8TextWeight (arch/text_encoder.h) names are e4m3
  // codes. The denoiser multiplies them; the text encoder's layers convert them when they run.
  bool fp8 = false;
  bool converts() const { return stored != compute; }
};

// On a CPU that computes in fp32, large networks are stored in a 16-bit type if the file has them
// so and no LoRA or scale changes them, which gives the same bits as loading them in fp32. If the
// run asks for bf16, weights are stored in bf16.
Precision DitPrecision(const ModelInfo& model, at::ScalarType dtype, bool on_gpu);
Precision TextEncoderPrecision(const ModelInfo& model, at::ScalarType dtype, bool on_gpu);

// In which the VAE encodes images and clips to refine. `t3 bench encode` measures how much faster
// bf16 is on a GPU and how far its latents are from these.
inline constexpr at::ScalarType kEncoderDtype = at::kFloat;

}  // namespace t3
