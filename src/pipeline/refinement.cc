// What a clip to start from decides.
#include "pipeline/refinement.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace t3 {
namespace {

double Area(int64_t width, int64_t height) {
  return static_cast<double>(width) * static_cast<double>(height);
}

double Aspect(VideoSize size) {
  return static_cast<double>(size.width) / static_cast<double>(size.height);
}

// The model's own draft, for videos that are so much larger that it pays.
constexpr double kMinAreaRatio = 2;

}  // namespace

VideoSize SizeOfAspect(double area, double aspect, int64_t multiple) {
  const auto round_to = [multiple](double value) {
    return std::max(
        multiple,
        static_cast<int64_t>(std::lround(value / static_cast<double>(multiple))) * multiple);
  };
  return {round_to(std::sqrt(area * aspect)), round_to(std::sqrt(area / aspect))};
}

std::optional<VideoSize> ChooseDraft(const ModelInfo& model, const Request& request,
                                     VideoSize size) {
  const std::optional<DraftChoice>& asked = request.params.draft;
  if (asked && !asked->size) return std::nullopt;
  if (!request.video.empty()) {
    if (asked) FailUsage("`draft` has no effect with `video`, which is the clip to refine");
    return std::nullopt;
  }
  if (asked) {
    if (asked->size->width > size.width || asked->size->height > size.height) {
      FailUsage("`draft` {}x{} is larger than the video of {}x{}; give a smaller one",
                asked->size->width, asked->size->height, size.width, size.height);
    }
    return asked->size;
  }
  const std::optional<DraftDefaults>& draft = model.defaults.draft;
  if (!draft) return std::nullopt;
  const double area = Area(draft->width, draft->height);
  if (Area(size.width, size.height) <= kMinAreaRatio * area) return std::nullopt;
  return SizeOfAspect(area, Aspect(size), 2 * VaeOf(model).spatial_stride());
}

int64_t ChooseDraftSteps(const ModelInfo& model, const Request& request) {
  const std::optional<DraftDefaults>& draft = model.defaults.draft;
  const int64_t usual = model.defaults.sampling.steps;
  return request.params.draft_steps.value_or(draft ? draft->steps.value_or(usual) : usual);
}

double ChooseStrength(const ModelInfo& model, const Request& request) {
  const double strength = request.params.strength.value_or(model.defaults.strength);
  if (!(strength >= 0 && strength <= 1)) FailUsage("`strength` {} is outside 0 to 1", strength);
  return strength;
}

std::vector<std::string> RefinementNotes(const Job& job) {
  const Request& request = job.request;
  std::vector<std::string> notes;
  const auto without_effect = [&](bool given, const char* option, const char* why) {
    if (given) notes.push_back(fmt::format("`{}` has no effect {}", option, why));
  };
  if (!job.draft_size) {
    without_effect(request.params.draft_steps.has_value(), "draft-steps", "without `draft`");
    without_effect(!request.draft_dit.empty(), "draft-dit", "without `draft`");
    without_effect(!request.output.keep_draft.empty(), "keep-draft", "without `draft`");
  }
  if (!job.refines()) {
    without_effect(request.params.strength.has_value(), "strength", "without `video` or `draft`");
    without_effect(request.match_colors.has_value(), "match-colors", "without `video` or `draft`");
  } else if (job.sampling.strength == 0) {
    without_effect(request.params.steps.has_value(), "steps", "at `strength` 0");
    without_effect(request.match_colors.has_value(), "match-colors", "at `strength` 0");
  } else if (job.sampling.strength == 1) {
    notes.push_back(
        "at `strength` 1 nothing of the clip to refine is used but its frame rate and audio");
  }
  return notes;
}

Request DraftRequest(const Job& job) {
  Request request = job.request;
  request.params.size = job.draft_size;
  request.params.frames = job.geometry.frames;
  request.params.steps = job.draft_steps;
  request.params.strength.reset();
  request.params.draft = DraftChoice{};
  request.params.draft_steps.reset();
  request.params.windows.clear();
  request.params.timesteps.clear();  // of the video alone
  request.params.sigmas.clear();
  request.noise.clear();
  request.draft_dit.clear();
  request.match_colors.reset();
  request.output = {};
  request.output.fps = job.fps;
  request.checkpoint = {};
  request.preview = {};
  request.record = {};
  return request;
}

bool MatchesColors(const Job& job) {
  return job.refines() && job.sampling.strength > 0 && job.sampling.strength < 1 &&
         job.request.match_colors.value_or(true);
}

int64_t EncodedFrames(const Job& job) {
  // The models' own 81 frames: shorter windows would be mostly warm-up.
  constexpr int64_t kWindow = 21;
  if (job.refines() && job.sampling.strength < 1)
    return std::min(job.geometry.latent.t, std::max(kWindow, job.segment.latent.t));
  return job.request.image.empty() ? 0 : 1;
}

int64_t SegmentOverlap(int64_t segment_length) { return segment_length / 4; }

}  // namespace t3
