// The expected time of a job, where this machine is calibrated for its model.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <optional>

#include "pipeline/calibration.h"
#include "pipeline/job.h"
#include "plan/rank_split.h"
#include "t3video/plan.h"

namespace t3 {

CalibrationKey CalibrationKeyOf(const ModelInfo& model, const Job& job, at::Device device,
                                at::ScalarType dtype);

// `streamed`: the denoiser's weights are copied to the GPU during each forward. `tunes`: products
// are timed in the first forward, as they are unless kernels must be deterministic.
TimeOutlook ExpectTime(const Calibration& calibration, const ModelInfo& model, const Job& job,
                       at::ScalarType dtype, bool streamed, bool tunes);
// The same by an earlier calibration; nullopt where there is none for this model. Of ranks that
// share the run by `split`, with their exchanges at the rate of NVLink between GPUs.
std::optional<TimeOutlook> FindTime(const ModelInfo& model, const Job& job, at::Device device,
                                    at::ScalarType dtype, bool streamed, bool tunes,
                                    const RankSplit& split = {});

// The time of a rank from that of one process alone.
TimeOutlook SharedTime(TimeOutlook alone, const ModelInfo& model, const Job& job,
                       at::ScalarType dtype, at::Device device, const RankSplit& split);

// Adds the time of a draft; where that is not known, the whole is not.
void AddDraft(const std::optional<TimeOutlook>& draft, std::optional<TimeOutlook>& time);

}  // namespace t3
