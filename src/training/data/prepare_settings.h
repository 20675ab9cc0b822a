// The settings of clips from a request, with the model's defaults where it has none.
#pragma once

#include "loading/model_info.h"
#include "t3video/prepare.h"
#include "training/data/clip_plan.h"

namespace t3 {

// Combines every size with every number of frames. Throws Error of kind kUsage for sizes that are
// not multiples of the model's patches, drafts larger than a clip and numbers out of range. The
// model must have a VAE.
ClipSettings SettingsOf(const ModelInfo& model, const PrepareRequest& request);

// The draft of a clip: of about the area of `draft` at the clip's aspect, as runs choose the draft
// that a model names. `multiple`: of its sides.
VideoSize DraftFor(const ClipSize& clip, VideoSize draft, int64_t multiple);

}  // namespace t3
