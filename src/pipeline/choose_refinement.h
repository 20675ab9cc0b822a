// Whether and how a video starts from a clip: the draft's size and steps, the strength.
#pragma once

#include <optional>

#include "loading/model_info.h"
#include "t3video/request.h"

namespace t3 {

// The size at `aspect` (width / height) whose area is nearest to `area`, in multiples of
// `multiple`.
VideoSize SizeOfAspect(double area, double aspect, int64_t multiple);

// A draft of about the area of `draft` at the aspect of `video`, in multiples of `multiple`.
VideoSize DraftOfAspect(VideoSize draft, VideoSize video, int64_t multiple);

// The draft that the request asks for, else the one that the model names for videos of more than
// twice its area, at the video's aspect. nullopt: none. Throws Error of kind kUsage for a draft
// larger than the video, and for one with a source video.
std::optional<VideoSize> ChooseDraft(const ModelInfo& model, const Request& request,
                                     VideoSize size);

// What `draft-sampling` states, as parameters; the others are absent. Throws Error that names the
// option for broken JSON and what a model's `t3.sampling` must not have.
GenerationParams StatedDraftSampling(const Request& request);

// As asked for, else as the model says for drafts or in general.
int64_t ChooseDraftSteps(const ModelInfo& model, const Request& request);

// As asked for, else the model's.
double ChooseStrength(const ModelInfo& model, const Request& request);

// Latent frames that neighbouring segments share: a quarter of a segment.
int64_t SegmentOverlap(int64_t segment_length);

}  // namespace t3
