// Reads the camera's move from the motion of the background.
#pragma once

#include <ATen/core/Tensor.h>

#include "world/scene.h"

namespace t3 {

// `picture` (3, F, 144, 256) in [0, 1]; `free` (F, 144, 256) fp32: 1 where the background shows.
WorldCamera ReadCamera(const at::Tensor& picture, const at::Tensor& free);

}  // namespace t3
