// Encodes clips, and their drafts twice.
#include "training/data/source_encoder.h"

#include <ATen/ATen.h>

#include <utility>
#include <vector>

#include "loading/load_models.h"
#include "pipeline/decode.h"
#include "pipeline/enlarged_draft.h"
#include "runtime/device.h"

namespace t3 {

SourceEncoder::SourceEncoder(const ModelInfo& model, bool drafts, std::string folder,
                             const RunContext& context)
    : context_(context),
      folder_(std::move(folder)),
      vae_(LoadVae(model, VaeHalf::kEncoder, at::kFloat, context)),
      decoder_(drafts ? LoadDecoder(model, at::kFloat, context) : nullptr) {}

// Planned from the memory that is free when the first clip of a size comes, so that clips of one
// size are encoded alike.
const EncodePlan& SourceEncoder::PlanOf(const ClipSize& size) {
  const auto found = plans_.find(size);
  if (found != plans_.end()) return found->second;
  ReleaseCachedMemory(context_.device);
  const int64_t stride = vae_.config().spatial_stride();
  const Grid latent{(size.frames - 1) / VaeConfig::kTimeStride + 1, size.height / stride,
                    size.width / stride};
  return plans_
      .emplace(size,
               PlanEncode(vae_.config(), latent, vae_.element_bytes(), DecodeBudget(context_)))
      .first->second;
}

void SourceEncoder::PlanFor(const ClipSize& size, const std::optional<VideoSize>& draft) {
  PlanOf(size);
  if (draft) PlanOf({draft->width, draft->height, size.frames});
}

// The clip is read again for every slab of the plan.
at::Tensor SourceEncoder::EncodeClip(const Clip& clip, ClipReader& reader) {
  const auto frames = [&](int64_t frame, int64_t count) {
    if (frame == 0) reader.Start(clip);
    return reader.Next(count);
  };
  return vae_.EncodeFrom(PlanOf(clip.bucket), frames, [&] { context_.CheckCancelled(); });
}

at::Tensor SourceEncoder::EncodeDraft(const Clip& clip, VideoSize draft, ClipReader& reader) {
  DraftScaler scaler({clip.bucket.width, clip.bucket.height}, draft, context_.device);
  const auto frames = [&](int64_t frame, int64_t count) {
    if (frame == 0) reader.Start(clip);
    std::vector<at::Tensor> scaled;
    for (int64_t i = 0; i < count; ++i) scaled.push_back(scaler.Scale(reader.Next(1).select(1, 0)));
    return at::stack(scaled, 1);
  };
  const ClipSize size{draft.width, draft.height, clip.bucket.frames};
  return vae_.EncodeFrom(PlanOf(size), frames, [&] { context_.CheckCancelled(); });
}

at::Tensor SourceEncoder::EncodeEnlarged(const at::Tensor& draft, const ClipSize& size) {
  return EncodeEnlargedDraft(vae_, *decoder_, draft, PlanOf(size), folder_, context_);
}

}  // namespace t3
