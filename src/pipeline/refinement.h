// Videos that start from a clip: a source video, or a draft that is generated first.
#pragma once

#include <optional>
#include <vector>

#include "loading/model_info.h"
#include "pipeline/job.h"

namespace t3 {

// The size at `aspect` (width / height) whose area is nearest to `area`, in multiples of
// `multiple`.
VideoSize SizeOfAspect(double area, double aspect, int64_t multiple);

// The draft that the request asks for, else the one that the model names for videos of more than
// twice its area, at the video's aspect. nullopt: none. Throws Error of kind kUsage for a draft
// larger than the video, and for one with a source video.
std::optional<VideoSize> ChooseDraft(const ModelInfo& model, const Request& request,
                                     VideoSize size);

// As asked for, else as the model says for drafts or in general.
int64_t ChooseDraftSteps(const ModelInfo& model, const Request& request);

// Throws Error of kind kUsage outside 0 to 1.
double ChooseStrength(const ModelInfo& model, const Request& request);

// Settings that have no effect without a clip to start from, or at this strength.
std::vector<std::string> RefinementNotes(const Job& job);

// The request whose video is the draft of `job`: its size and steps, no output of its own.
Request DraftRequest(const Job& job);

// Frames of the source video or the draft hold the colors of the result. At strength 0 there is
// nothing to hold, at 1 nothing of the source is left.
bool MatchesColors(const Job& job);

// Latent frames that are encoded at once before the video is denoised: those of an image, of a clip
// to refine, or none.
int64_t EncodedFrames(const Job& job);

// Latent frames that neighbouring segments share: a quarter of a segment.
int64_t SegmentOverlap(int64_t segment_length);

}  // namespace t3
