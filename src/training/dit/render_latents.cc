// Scenes to videos to latents.
#include "training/dit/render_latents.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "base/mix_bits.h"
#include "loading/load_models.h"
#include "pipeline/enlarged_draft.h"
#include "plan/geometry.h"
#include "world/held_out.h"
#include "world/world.h"

namespace t3 {
namespace {

// Pixels, over all frames, that are encoded at once.
constexpr int64_t kCpuEncodePixels = 1 << 19, kGpuEncodePixels = 1 << 23;

// video (B,3,F,H,W) -> (B,z,T,h,w) in model space.
at::Tensor EncodeVideos(const Vae& vae, const at::Tensor& video) {
  const VaeConfig& config = vae.config();
  const auto per_channel = [&](const std::vector<double>& values) {
    return at::tensor(values).to(video.options()).view({-1, 1, 1, 1});
  };
  const int64_t pixels = video.size(2) * video.size(3) * video.size(4);
  const int64_t chunk =
      std::max<int64_t>(1, (video.is_cuda() ? kGpuEncodePixels : kCpuEncodePixels) / pixels);
  std::vector<at::Tensor> parts;
  for (const at::Tensor& part : video.split(chunk)) {
    const at::Tensor mean = vae.EncodeMoments(part).narrow(1, 0, config.latent_channels);
    parts.push_back((mean - per_channel(config.mean)) / per_channel(config.std));
  }
  return at::cat(parts);
}

WorldView ViewOf(const WorldLatentSize& size) {
  WorldView view{.width = size.width, .height = size.height, .frames = size.frames};
  if (size.is_draft()) view.width = size.draft_width, view.height = size.draft_height;
  return view;
}

}  // namespace

WorldScene SceneOfClip(int64_t seed, int64_t clip) {
  return TrainingScene(MixBits(MixBits(static_cast<uint64_t>(seed)) ^ static_cast<uint64_t>(clip)));
}

std::vector<int64_t> LatentShape(const WorldLatentSize& size, const VaeConfig& vae) {
  const Grid latent = PlanVideo(size.width, size.height, size.frames, vae).latent;
  return {size.clips, vae.latent_channels, latent.t, latent.h, latent.w};
}

LatentRenderer::LatentRenderer(const WorldLatentSize& size, int64_t seed, const ModelInfo& model,
                               at::ScalarType dtype, const RunContext& context)
    : size_(size),
      seed_(seed),
      context_(context),
      vae_(LoadVae(model, VaeHalf::kEncoder, dtype, context)),
      decoder_(size.is_draft() ? LoadDecoder(model, dtype, context) : nullptr) {}

at::Tensor LatentRenderer::Render(int64_t first, int64_t count) const {
  const c10::NoGradGuard no_grad;
  std::vector<WorldScene> scenes;
  for (int64_t i = first; i < first + count; ++i) scenes.push_back(SceneOfClip(seed_, i));
  const at::Tensor videos = RenderScenes(scenes, ViewOf(size_), context_.device);
  return EncodeVideos(vae_, size_.is_draft() ? EnlargedDrafts(videos) : videos);
}

// Clips (3,F,H,W) as a run that refines a draft would encode them.
at::Tensor LatentRenderer::EnlargedDrafts(const at::Tensor& videos) const {
  FrameScaler scaler(size_.draft_width, size_.draft_height, size_.width, size_.height,
                     context_.device, context_.device.is_cuda());
  std::vector<at::Tensor> clips;
  for (const at::Tensor& video : videos.unbind())
    clips.push_back(EnlargedDraft(vae_, *decoder_, video, scaler));
  return at::stack(clips);
}

}  // namespace t3
