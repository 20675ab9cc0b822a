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

// In which the VAE encodes a clip to refine: on a GPU as the run computes, on a CPU in fp32. In
// bf16 its latents are about 1 % from fp32's (docs/design/decoder.md), which the noise that is
// added covers. Images are encoded in fp32 everywhere: the first frame is kept as it is.
at::ScalarType ClipEncoderDtype(at::ScalarType dtype, bool on_gpu);

}  // namespace t3
