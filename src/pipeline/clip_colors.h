// The frames of a decode take the low frequencies of the clip that was refined: colours and
// brightness of areas.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "pipeline/source_clip.h"
#include "plan/geometry.h"

namespace t3 {

// A decoder's brightness jumps a little from frame to frame. Jumps of a video file belong to it and
// are kept. Those of a draft are not: what is added to the frames is averaged over time. Of what
// deviates from the average, half is added, because the refined frames have jumps of their own, and
// the mean of two independent ones is smaller than either.
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
    double share;           // of the latest frame in the average
    at::Tensor difference;  // (3,rows,columns), the average up to it
  };
  VideoGeometry geometry_;
  std::optional<Source> source_;
};

}  // namespace t3
