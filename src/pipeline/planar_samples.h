// Frames made into the samples of a file where they are: on a GPU an eighth of the bytes is copied.
#pragma once

#include <ATen/core/Tensor.h>

#include "media/planar_format.h"

namespace t3 {

// frame (3,h,w) fp32 in [-1,1], rows of contiguous values -> uint8, plane after plane without gaps
// (PlanesIn), on the frame's device. The bits of PackFrame, by which it is done on a CPU.
at::Tensor PlanarSamples(const at::Tensor& frame, const PlanarFormat& format);

// The same by operations on tensors, on any device.
at::Tensor PlanarSamplesByOps(const at::Tensor& frame, const PlanarFormat& format);

}  // namespace t3
