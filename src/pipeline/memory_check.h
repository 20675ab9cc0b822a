// The memory plan of a job against what the machine has.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <optional>

#include "loading/load_models.h"
#include "loading/model_info.h"
#include "pipeline/job.h"
#include "plan/memory.h"
#include "t3video/plan.h"

namespace t3 {

struct MemoryLimits {
  int64_t device = 0;  // bytes; 0: what is free now
  int64_t host = 0;
};

// What a run may use: worked out from a device, or assumed for one that is not here.
struct MemoryBudget {
  bool on_gpu = false;
  int64_t device = 0;  // bytes; 0: no limit
  int64_t host = 0;
  int64_t ranks = 1;  // that share a run, each with such a device
};
// `kept_bytes` are taken now and can be freed.
MemoryBudget BudgetOf(at::Device device, const MemoryLimits& limits, int64_t kept_bytes = 0);

// The limit that a stage works within, 0 for none: on the CPU the process takes its part of the
// host's first.
int64_t DeviceLimit(at::Device device, const MemoryLimits& limits);

// Everything that decides the memory of a job, of one rank where several share it by `split`.
PlannedRun MemoryInputs(const ModelInfo& model, const Job& job, at::ScalarType dtype,
                        const MemoryBudget& budget, const RankSplit& split = {});

// The stages that a job has, and what there is for them.
struct RunMemory : MemoryPlan {
  MemoryBudget budget;
  RankSplit split;  // of budget.ranks

  BlockWeights Blocks() const {
    return stream_weights ? BlockWeights::kOnHost : BlockWeights::kOnDevice;
  }
};
// By the first split of the ranks that fits, else by the last. `videos` are denoised together.
// Throws Error of kind kUsage where their number does not divide the denoiser's heads.
RunMemory PlanRunMemory(const ModelInfo& model, const Job& job, at::ScalarType dtype,
                        const MemoryBudget& budget, int64_t videos = 1);

// The same as the public structs.
MemoryOutlook ToOutlook(const RunMemory& memory);

// Adds the stages of a draft, named "draft denoiser" and so on, before those of the video. Prompts
// are encoded once for both.
void AddDraft(const MemoryOutlook& draft, MemoryOutlook& memory);

// Why the job would be refused: which stage does not fit, what it needs, what there is, and the
// options with which it would fit. nullopt where every stage fits.
std::optional<Error> CheckMemory(const ModelInfo& model, const Job& job, at::ScalarType dtype,
                                 const RunMemory& memory);

// Which weights can stay in memory from one request to the next, so that they are not loaded again:
// the denoiser's while the video is decoded, the decoder's while the next is denoised, both while a
// clip is encoded.
struct Residents {
  bool denoiser = false;
  bool decoder = false;
  bool both = false;
};
Residents ChooseResidents(const RunMemory& memory);

}  // namespace t3
