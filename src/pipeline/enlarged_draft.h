// A clip as a refiner gets it from a draft: scaled down, encoded, decoded, enlarged, encoded.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "models/vae/vae.h"
#include "pipeline/frame_ops.h"
#include "runtime/stage.h"
#include "t3video/generation_params.h"

namespace t3 {

// Scales frames of a clip down to its draft, so that the enlarged draft covers the clip place by
// place. Enlarging crops a draft of another aspect; what it crops repeats the clip's edges.
class DraftScaler {
 public:
  DraftScaler(VideoSize clip, VideoSize draft, at::Device device);
  // (3,height,width) fp32 on any device -> the draft's on the scaler's device.
  at::Tensor Scale(const at::Tensor& frame);

 private:
  int64_t covering_width_, covering_height_;  // of the enlarged draft before it is cropped
  VideoSize clip_;
  at::Device device_;
  FrameScaler scaler_;
};

// The reference, with all frames in memory: a clip (3,F,h,w) at its draft's size -> what the
// refiner's encoder gets, (3,F,H,W) fp32 in [-1,1]. `enlarge` scales between these sizes.
at::Tensor EnlargedDraft(const Vae& encoder, const VideoDecoder& decoder, const at::Tensor& clip,
                         FrameScaler& enlarge);

// The same in bounded memory, from the draft's latents on: latents (z,T,h,w) of a clip at its
// draft's size -> those of the enlarged draft by `plan`, of the clip's size, fp32. Between the two
// the draft is in a file without a name in `folder`, in 16 bits. Throws Error when it does not fit.
at::Tensor EncodeEnlargedDraft(const Vae& encoder, const VideoDecoder& decoder,
                               const at::Tensor& draft, const EncodePlan& plan,
                               const std::string& folder, const RunContext& context);

}  // namespace t3
