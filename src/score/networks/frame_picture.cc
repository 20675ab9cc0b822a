// Conversion and choice of frames.
#include "score/networks/frame_picture.h"

#include <ATen/ATen.h>

namespace t3 {

Image PictureOf(const ScoreFrame& frame) {
  return ImageOfPlanes(frame.rgb, frame.width, frame.height);
}

at::Tensor TensorOf(const Image& picture) {
  return at::from_blob(const_cast<uint8_t*>(picture.rgb.data()), {picture.height, picture.width, 3},
                       at::kByte)
      .permute({2, 0, 1})
      .clone(at::MemoryFormat::Contiguous);
}

bool IsScoredFrame(int64_t index, int64_t frames) {
  if (frames <= kScoredFrames) return true;
  // The part that the frame is in, and the middle of that part.
  const int64_t part = ((2 * index + 1) * kScoredFrames) / (2 * frames);
  return index == (2 * part + 1) * frames / (2 * kScoredFrames);
}

}  // namespace t3
