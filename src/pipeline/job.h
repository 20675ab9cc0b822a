// A request with everything decided: sizes, windows, sampling.
#pragma once

#include <string>
#include <vector>

#include "config/presets.h"
#include "pipeline/model_info.h"
#include "plan/geometry.h"
#include "t3video/request.h"
#include "weights/types.h"

namespace t3 {

struct AttentionChoice {
  AttentionPattern pattern = AttentionPattern::kFull;
  WindowCycle windows;         // one entry (1,1,1) for full attention
  std::string windows_source;  // "command line", "model", "planner 1" or "none"
};

struct Job {
  Request request;
  VideoGeometry geometry;
  AttentionChoice attention;
  SamplingConfig sampling;
  std::string negative_prompt;
  double fps = 16;
  std::vector<std::string> notes;
};

// Fills in what the request leaves open and checks all of it. Throws Error of kind kUsage for
// values that no model could take, kFailed for those this model cannot.
Job PlanJob(const ModelInfo& model, const Request& request);

// Whether a run's windows are the published ones or the planner's, not a table of its own.
bool UsesPublishedWindows(const TrainedAttention& trained, const std::string& pattern,
                          const std::string& windows);

// The pattern and windows for `grid`: as asked for, else as the model was trained. Throws Error of
// kind kUsage for windows with full attention, kFailed when the model's attention is unknown and
// the grid has more than 200,000 tokens.
AttentionChoice ChooseAttention(const ModelInfo& model, const std::string& pattern,
                                const std::string& windows, const Grid& grid);

// The job's settings as metadata for the files that come of it.
Metadata JobMetadata(const ModelInfo& model, const Job& job, const std::string& dtype);

}  // namespace t3
