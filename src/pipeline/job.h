// A request with everything decided: size, windows, sampling.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/presets.h"
#include "loading/model_info.h"
#include "media/image.h"
#include "plan/geometry.h"
#include "t3video/plan.h"
#include "t3video/request.h"

namespace t3 {

struct JobAttention {
  AttentionPattern pattern = AttentionPattern::kFull;
  WindowCycle windows;         // one entry (1,1,1) for full attention
  std::string windows_source;  // "model", "planner 1", "command line" for others, or "none"
};

struct Job {
  Request request;
  VideoGeometry geometry;
  JobAttention attention;
  SamplingConfig sampling;
  std::string negative_prompt;
  double fps = 16;
  std::vector<std::string> notes;
  std::optional<DecoderFile> preview_decoder;  // absent: previews, if any, are painted by a map
};

// Fills in what the request leaves open and checks all of it but the files it names. `image`: the
// request's, whose aspect decides the size where none was given; or nullptr. Throws Error of kind
// kUsage for values that no model could take, kFailed for those this model cannot.
Job PlanJob(const ModelInfo& model, const Request& request, const Image* image = nullptr);

// Attention and windows for `grid`: as asked for, else as the model was trained. Throws Error of
// kind kUsage for windows with full attention, kFailed when the model's attention is unknown and
// the grid has more than 200,000 tokens.
JobAttention ChooseAttention(const ModelInfo& model, std::optional<AttentionPattern> pattern,
                             const WindowCycle& windows, const Grid& grid);

// The job's video as the public struct.
VideoPlan ToVideoPlan(const ModelInfo& model, const Job& job);

}  // namespace t3
