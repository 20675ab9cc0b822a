// Cutting training examples for a VAE out of clips.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace t3 {

struct CropOptions {
  int64_t width = 256;     // pixels, a multiple of the VAE's stride
  int64_t height = 256;    // pixels, likewise
  int64_t frames = 17;     // 4n+1
  double image_share = 0;  // of the batches, in [0,1]: those consist of single frames
};

// Whether the batch of this step consists of images; a function of (seed, step) alone.
bool IsImageBatch(const CropOptions& options, uint64_t seed, int64_t step);

// A part of each clip (3,F,H,W) at a random place and time -> (B,3,f,height,width), f = 1 in an
// image batch. On the clips' device, in their dtype; a function of (seed, step), the clips' sizes
// and their order. Throws Error when a clip is smaller or shorter than the crop, or there is none.
at::Tensor CropBatch(const std::vector<at::Tensor>& clips, const CropOptions& options,
                     uint64_t seed, int64_t step);

}  // namespace t3
