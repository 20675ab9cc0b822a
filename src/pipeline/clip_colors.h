// The frames of a decode take the low frequencies of the clip that was refined.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "pipeline/source_clip.h"
#include "plan/geometry.h"

namespace t3 {

class ClipColors {
 public:
  // `clip` of the generated size; nullptr: frames stay as they are.
  ClipColors(const SourceClip* clip, const VideoGeometry& geometry, at::Device device);
  // The next frame, cropped as `geometry` is, (3,height,width) fp32 on the device.
  at::Tensor Match(const at::Tensor& frame);

 private:
  struct Source {
    ClipPass pass;
    ColorMatcher matcher;
  };
  VideoGeometry geometry_;
  std::optional<Source> source_;
};

}  // namespace t3
