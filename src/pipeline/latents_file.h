// Reads a file of final latents for decoding.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "loading/model_info.h"
#include "plan/geometry.h"
#include "weights/types.h"

namespace t3 {

struct StoredLatents {
  at::Tensor latents;      // (z,T,h,w) fp32
  VideoGeometry geometry;  // of the requested size where the file has it and it fits
  double fps = 0;
  Metadata metadata;  // for the video, without paths of this machine
};

// Tensor `latents` of a file, (z,T,h,w) or with a leading 1, for the decoder of `model`.
// `last_frame`: of the video, counted from 1; absent: all frames. Throws Error for files and
// latents that do not fit, of kind kUsage for a frame below 1.
StoredLatents ReadStoredLatents(const std::string& path, const ModelInfo& model,
                                std::optional<int64_t> last_frame);

}  // namespace t3
