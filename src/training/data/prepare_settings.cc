// Checks a request's numbers.
#include "training/data/prepare_settings.h"

#include <set>

#include "base/check.h"
#include "pipeline/choose_refinement.h"

namespace t3 {
namespace {

void CheckSides(const char* option, int64_t width, int64_t height, int64_t multiple) {
  if (width < 1 || height < 1 || width % multiple != 0 || height % multiple != 0) {
    FailUsage("`{}` {}x{}: width and height must be multiples of {} for this model", option, width,
              height, multiple);
  }
}

void CheckDraft(const ClipSettings& settings, int64_t multiple) {
  const auto [width, height] = *settings.draft;
  CheckSides("draft", width, height, multiple);
  for (const ClipSize& clip : settings.buckets) {
    const VideoSize draft = DraftFor(clip, *settings.draft, multiple);
    if (draft.width > clip.width || draft.height > clip.height) {
      FailUsage(
          "drafts of {}x{} are larger than the clips of {}x{}; give a smaller `draft` than {}x{}",
          draft.width, draft.height, clip.width, clip.height, width, height);
    }
  }
}

}  // namespace

ClipSettings SettingsOf(const ModelInfo& model, const PrepareRequest& request) {
  const GenerationDefaults& defaults = model.defaults;
  ClipSettings settings;
  settings.fps = request.fps.value_or(defaults.fps);
  settings.clips_per_video = request.clips_per_video;
  settings.max_upscale = request.max_upscale;
  auto sizes = request.sizes;
  auto frames = request.frames;
  if (sizes.empty()) sizes = {{defaults.width, defaults.height}};
  if (frames.empty()) frames = {defaults.frames};
  // A patch of the denoiser covers 2x2 latents.
  const int64_t multiple = 2 * model.vae->spatial_stride();
  std::set<ClipSize> buckets;
  for (const auto& [width, height] : sizes) {
    CheckSides("size", width, height, multiple);
    for (const int64_t count : frames) {
      if (count < 1 || count > kMaxClipFrames || count % VaeConfig::kTimeStride != 1) {
        FailUsage("`frames` {} must be 4n+1 (1, 5, 9, ...) and at most {}", count, kMaxClipFrames);
      }
      buckets.insert({width, height, count});
    }
  }
  settings.buckets = {buckets.begin(), buckets.end()};
  if (request.draft) {
    settings.draft = VideoSize{request.draft->first, request.draft->second};
    CheckDraft(settings, multiple);
  }
  if (!(settings.fps > 0) || settings.fps > 1000) {
    FailUsage("`fps` {}: wanted a number above 0 and at most 1000", settings.fps);
  }
  if (settings.clips_per_video < 1 || settings.clips_per_video > kMaxClipsPerVideo) {
    FailUsage("`clips-per-video` {} is outside 1 to {}", settings.clips_per_video,
              kMaxClipsPerVideo);
  }
  if (!(settings.max_upscale >= 1) || settings.max_upscale > kMaxUpscale) {
    FailUsage("`max-upscale` {} is outside 1 to {}", settings.max_upscale, kMaxUpscale);
  }
  return settings;
}

VideoSize DraftFor(const ClipSize& clip, VideoSize draft, int64_t multiple) {
  return DraftOfAspect(draft, {clip.width, clip.height}, multiple);
}

}  // namespace t3
