// What a measurement needs, decided before it starts.
#pragma once

#include <c10/core/ScalarType.h>

#include <optional>
#include <string>
#include <vector>

#include "eval/eval_record.h"
#include "eval/resident_networks.h"
#include "pipeline/job.h"
#include "pipeline/memory_check.h"
#include "runtime/stage.h"
#include "t3video/eval.h"
#include "world/world.h"

namespace t3 {

// Clips of one size that are made alike.
struct ClipPlan {
  Job job;
  RunMemory memory;  // of each stage; empty where no model generates them
};

struct EvalPlan {
  EvalRequest request;
  std::optional<ModelInfo> model;  // absent for true renders
  ClipPlan clips;                  // for true renders only their size
  std::optional<ClipPlan> draft;   // the clips that are refined
  std::optional<ClipPlan> small;   // the clips to enlarge
  at::ScalarType dtype = at::kFloat;
  int64_t batch = 1;         // clips denoised together
  NetworkRoom room;          // beside the clips of a batch; no limit where no model generates them
  NetworkNeed true_encoder;  // the VAE's encoder in fp32, of a true clip as a whole; likewise

  // As a run of the clips' job has them.
  std::vector<std::string> notes() const;
  bool generates() const { return request.source == EvalSource::kModel; }
  WorldView view() const {
    const VideoGeometry& video = clips.job.geometry;
    return {.width = video.width, .height = video.height, .frames = video.frames};
  }
};

// Throws Error of kind kUsage for a request that makes no sense, kFailed for parts that the model
// lacks, sizes that it cannot make and files that cannot be written. Leaves out the memory, which
// eval/eval_memory.h plans.
EvalPlan PlanEval(const ModelFiles& files, const RunOptions& options, const EvalRequest& request,
                  const RunContext& context);

// Settings and title of the record.
EvalRecord DescribeEval(const EvalPlan& plan, at::Device device);

}  // namespace t3
