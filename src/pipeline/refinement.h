// Videos that start from a clip: a source video, or a draft that is generated first.
#pragma once

#include "pipeline/job.h"

namespace t3 {

// The request whose video is the draft of `job`: its size and steps, no output of its own.
Request DraftRequest(const Job& job);

// Frames of the source video or the draft hold the colors of the result. At strength 0 there is
// nothing to hold, at 1 nothing of the source is left.
bool MatchesColors(const Job& job);

// Latent frames that are encoded at once before the video is denoised: those of an image, of a clip
// to refine, or none.
int64_t EncodedFrames(const Job& job);

}  // namespace t3
