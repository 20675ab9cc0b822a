// Frame by frame beside a pass over the clip.
#include "pipeline/clip_colors.h"

#include <ATen/ATen.h>

namespace t3 {
namespace {

// Of the latest frame in the moving average: half of a change is made after three frames. A
// centered filter would hold back several frames of full size.
constexpr double kDraftShare = 0.25;
constexpr double kDeviationShare = 0.5;

}  // namespace

ClipColors::ClipColors(const SourceClip* clip, const VideoGeometry& geometry, at::Device device)
    : geometry_(geometry) {
  if (clip == nullptr) return;
  source_.emplace(Source{ClipPass(*clip, device),
                         ColorMatcher(geometry.width, geometry.height, device, device.is_cuda()),
                         clip->generated() ? kDraftShare : 1.0,
                         {}});
}

at::Tensor ClipColors::Match(const at::Tensor& frame) {
  if (!source_) return frame;
  const at::Tensor source = source_->pass.Next()
                                .narrow(1, geometry_.crop_y, geometry_.height)
                                .narrow(2, geometry_.crop_x, geometry_.width);
  const at::Tensor difference = source_->matcher.Difference(source, frame);
  at::Tensor& average = source_->difference;
  average = average.defined() ? average.lerp(difference, source_->share) : difference;
  return source_->matcher.Add(frame, average.lerp(difference, kDeviationShare));
}

}  // namespace t3
