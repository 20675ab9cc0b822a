// Pictures to fit a preview map to.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace t3 {

// Smooth gradients with shapes in flat colours, the same ones each time: (3,H,W) in [-1,1], 8
// latents along each side with a VAE of this stride.
std::vector<at::Tensor> DrawPictures(int64_t stride);

// At most 32 frames, spread over the video or the folder of PNG files, cut to what the VAE takes.
// Throws Error where there are fewer than four.
std::vector<at::Tensor> ReadPictures(const std::string& path, int64_t stride);

}  // namespace t3
