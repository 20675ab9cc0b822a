// Noise that a seed decides.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace t3 {

// Normal noise (`shape`), fp32 on the CPU: the values of torch.randn(shape, generator=
// torch.Generator("cpu").manual_seed(seed)). Draw the whole tensor at once: torch's
// sequence depends on the number of elements and the dtype, so cast and move afterwards. The
// latents of a video are drawn as (1,z,T,h,w).
at::Tensor TorchNoise(uint64_t seed, at::IntArrayRef shape);

// The seed of the noise that step `step` (from 0) of a run of seed `seed` adds. The initial noise
// is drawn with `seed` itself.
uint64_t StepSeed(uint64_t seed, int64_t step);

}  // namespace t3
