// Clips to fit a preview map to.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace t3 {

// Frames of a clip: three latent frames, the last of which is past the effects of the first one.
inline constexpr int64_t kPreviewFrames = 9;

// Smooth gradients with moving shapes in flat colours, the same ones each time: (3,9,H,W) in
// [-1,1], 8 latents along each side with a VAE of this stride.
std::vector<at::Tensor> DrawClips(int64_t stride);

// At most eight clips (3,9,H,W), spread over the video or the folder of PNG frames, scaled down to
// at most 16 latents along each side. Throws Error where there are fewer than ten frames.
std::vector<at::Tensor> ReadClips(const std::string& path, int64_t stride);

}  // namespace t3
