// What a measurement needs, decided before it starts.
#pragma once

#include <c10/core/ScalarType.h>

#include <optional>
#include <string>
#include <vector>

#include "eval/eval_record.h"
#include "pipeline/job.h"
#include "runtime/stage.h"
#include "t3video/eval.h"
#include "world/world.h"

namespace t3 {

struct EvalPlan {
  EvalRequest request;
  std::optional<ModelInfo> model;  // absent for true renders
  Job job;                         // of every clip; for true renders only its size
  std::optional<Job> draft_job;    // of the clips that are refined
  std::optional<Job> small_job;    // of the clips to enlarge
  at::ScalarType dtype = at::kFloat;
  int64_t batch = 1;  // clips denoised together

  // As a run of the job has them.
  std::vector<std::string> notes() const;
  bool generates() const { return request.source == EvalSource::kModel; }
  WorldView view() const {
    const VideoGeometry& video = job.geometry;
    return {.width = video.width, .height = video.height, .frames = video.frames};
  }
};

// Throws Error of kind kUsage for a request that makes no sense, kFailed for parts that the model
// lacks, sizes that it cannot make and files that cannot be written.
EvalPlan PlanEval(const ModelFiles& files, const RunOptions& options, const EvalRequest& request,
                  const RunContext& context);

// Settings and title of the record.
EvalRecord DescribeEval(const EvalPlan& plan, at::Device device);

}  // namespace t3
