// Drafts of clips.
#include "pipeline/enlarged_draft.h"

#include <ATen/ATen.h>

#include <cmath>
#include <filesystem>
#include <optional>
#include <vector>

#include "pipeline/draft_spool.h"

namespace t3 {
namespace {

int64_t Covering(int64_t side, double kept) {
  return std::llround(static_cast<double>(side) / kept);
}

CoverResize Enlargement(VideoSize clip, VideoSize draft) {
  return {draft.width, draft.height, /*pixel_aspect=*/1, clip.width, clip.height};
}

}  // namespace

DraftScaler::DraftScaler(VideoSize clip, VideoSize draft, at::Device device)
    : covering_width_(Covering(clip.width, Enlargement(clip, draft).kept_width())),
      covering_height_(Covering(clip.height, Enlargement(clip, draft).kept_height())),
      clip_(clip),
      device_(device),
      scaler_(covering_width_, covering_height_, draft.width, draft.height, device,
              device.is_cuda()) {}

at::Tensor DraftScaler::Scale(const at::Tensor& frame) {
  const int64_t beside = covering_width_ - clip_.width, above = covering_height_ - clip_.height;
  if (beside == 0 && above == 0) return scaler_.Scale(frame);
  const int64_t left = beside / 2, top = above / 2;
  return scaler_.Scale(
      at::replication_pad2d(frame.to(device_), {left, beside - left, top, above - top}));
}

at::Tensor EnlargedDraft(const Vae& encoder, const VideoDecoder& decoder, const at::Tensor& clip,
                         FrameScaler& enlarge) {
  const at::Tensor decoded = decoder.Decode(encoder.Encode(clip));
  std::vector<at::Tensor> frames;
  for (const at::Tensor& frame : decoded.unbind(1))
    frames.push_back(enlarge.Scale(frame.contiguous()));
  return at::stack(frames, 1);
}

at::Tensor EncodeEnlargedDraft(const Vae& encoder, const VideoDecoder& decoder,
                               const at::Tensor& draft, const EncodePlan& plan,
                               const std::string& folder, const RunContext& context) {
  const VaeConfig& config = encoder.config();
  DecodeTarget target;
  target.geometry = WholeVideo({draft.size(1), draft.size(2), draft.size(3)}, config);
  // Names the folder of a spool for rows; without a writer nothing is written to it.
  target.output.path = (std::filesystem::path(folder) / "draft").string();
  const ProgressFn silent;
  const RunContext quiet{silent, context.cancel, context.device, context.device_limit};
  Stage stage(quiet, "decoding draft", target.geometry.frames, "frames");
  const auto spool = SpoolDraft(decoder, draft, target, nullptr, folder, stage);
  const int64_t stride = config.spatial_stride();
  const auto clip =
      SpooledClip(spool, target.geometry.frames, stride * plan.latent.w, stride * plan.latent.h);
  std::optional<ClipPass> pass;  // begins again for every slab
  const auto frames = [&](int64_t frame, int64_t count) {
    if (frame == 0) pass.emplace(*clip, context.device);
    std::vector<at::Tensor> next;
    for (int64_t i = 0; i < count; ++i) next.push_back(pass->Next());
    return at::stack(next, 1);
  };
  return encoder.EncodeFrom(plan, frames, [&] { context.CheckCancelled(); });
}

}  // namespace t3
