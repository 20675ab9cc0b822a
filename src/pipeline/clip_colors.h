// The frames of a decode take the low frequencies of the clip that was refined: colours and
// brightness of areas.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "pipeline/source_clip.h"
#include "plan/geometry.h"

namespace t3 {

// To refine a draft, what is added to the frames is averaged over time: a decoder's brightness
// jumps a little from frame to frame, and the refined clip would take every jump of the draft's.
// Those of a video file belong to it.
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
