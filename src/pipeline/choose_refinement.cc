// Drafts and strengths.
#include "pipeline/choose_refinement.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/json.h"
#include "loading/sampling_json.h"

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

VideoSize DraftOfAspect(VideoSize draft, VideoSize video, int64_t multiple) {
  return SizeOfAspect(Area(draft.width, draft.height), Aspect(video), multiple);
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
  if (Area(size.width, size.height) <= kMinAreaRatio * Area(draft->width, draft->height))
    return std::nullopt;
  return DraftOfAspect({draft->width, draft->height}, size, 2 * VaeOf(model).spatial_stride());
}

GenerationParams StatedDraftSampling(const Request& request) {
  GenerationParams stated;
  const std::string& text = request.params.draft_sampling;
  if (text.empty()) return stated;
  constexpr const char* kWhere = "`draft-sampling`";
  const nlohmann::json object = ParseJson(text, kWhere);
  const SamplingConfig sampling = ReadSampling(object, kWhere, {});
  if (object.contains("sampler")) stated.sampler = sampling.sampler;
  if (object.contains("guidance")) stated.guidance = sampling.guidance;
  if (object.contains("shift")) stated.shift = sampling.shift;
  const bool has_levels = sampling.has_list() || sampling.sampler == Sampler::kRcm;
  if (has_levels || object.contains("steps")) stated.steps = sampling.steps;
  stated.timesteps = sampling.timesteps;
  stated.sigmas = sampling.sigmas;
  return stated;
}

int64_t ChooseDraftSteps(const ModelInfo& model, const Request& request) {
  if (request.params.draft_steps) return *request.params.draft_steps;
  if (const auto stated = StatedDraftSampling(request).steps) return *stated;
  const std::optional<DraftDefaults>& draft = model.defaults.draft;
  const int64_t usual = model.defaults.sampling.steps;
  return draft ? draft->steps.value_or(usual) : usual;
}

double ChooseStrength(const ModelInfo& model, const Request& request) {
  return request.params.strength.value_or(model.defaults.strength);
}

int64_t SegmentOverlap(int64_t segment_length) { return segment_length / 4; }

}  // namespace t3
