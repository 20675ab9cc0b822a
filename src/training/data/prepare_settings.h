// What a request asks of clips, with the model's own values where it says nothing.
#pragma once

#include "pipeline/model_info.h"
#include "t3video/prepare.h"
#include "training/data/clip_plan.h"

namespace t3 {

// Every size with every count of frames. Throws Error of kind kUsage for sizes that the model's
// patches do not divide and for numbers out of range. The model has a VAE.
ClipSettings SettingsOf(const ModelInfo& model, const PrepareRequest& request);

}  // namespace t3
