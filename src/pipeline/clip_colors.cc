// Frame by frame beside a pass over the clip.
#include "pipeline/clip_colors.h"

#include <ATen/ATen.h>

namespace t3 {

ClipColors::ClipColors(const SourceClip* clip, const VideoGeometry& geometry, at::Device device)
    : geometry_(geometry) {
  if (clip == nullptr) return;
  source_.emplace(Source{ClipPass(*clip, device),
                         ColorMatcher(geometry.width, geometry.height, device, device.is_cuda())});
}

at::Tensor ClipColors::Match(const at::Tensor& frame) {
  if (!source_) return frame;
  const at::Tensor source = source_->pass.Next()
                                .narrow(1, geometry_.crop_y, geometry_.height)
                                .narrow(2, geometry_.crop_x, geometry_.width);
  return source_->matcher.Match(frame, source);
}

}  // namespace t3
