// Clips of source files to latents.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "loading/model_info.h"
#include "models/decoder/video_decoder.h"
#include "models/vae/vae.h"
#include "runtime/stage.h"
#include "training/data/clip_plan.h"
#include "training/data/clip_reader.h"

namespace t3 {

// Frames are read a few at a time, so that memory does not grow with the clip. Latents are
// (z,T,h,w) fp32 in model space, on any device.
class SourceEncoder {
 public:
  // Loads the VAE's encoder in fp32, with `drafts` what decodes as well. Frames of decoded drafts
  // wait in `folder`, in files without a name.
  SourceEncoder(const ModelInfo& model, bool drafts, std::string folder, const RunContext& context);

  // Plans the encodings of such clips and of their drafts, if there are any, before a source is
  // read. Throws Error when there is too little memory.
  void PlanFor(const ClipSize& size, const std::optional<VideoSize>& draft);

  // Throws Error when the source cannot be read.
  at::Tensor EncodeClip(const Clip& clip, ClipReader& reader);
  // Those of the clip at its draft's size. Likewise.
  at::Tensor EncodeDraft(const Clip& clip, VideoSize draft, ClipReader& reader);
  // Latents of such a draft -> those of the draft decoded and enlarged to `size`, as a run that
  // refines it gets them. Reads no source. Throws Error when `folder` has no room.
  at::Tensor EncodeEnlarged(const at::Tensor& draft, const ClipSize& size);

 private:
  const EncodePlan& PlanOf(const ClipSize& size);

  const RunContext& context_;
  std::string folder_;
  Vae vae_;
  std::unique_ptr<VideoDecoder> decoder_;  // of drafts
  std::map<ClipSize, EncodePlan> plans_;
};

}  // namespace t3
