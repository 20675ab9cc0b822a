// An engine's place among its ranks.
#pragma once

#include <c10/core/Device.h>

#include "loading/model_info.h"
#include "parallel/team.h"
#include "pipeline/run_settings.h"
#include "t3video/ranks.h"

namespace t3 {

// The device of a rank: of several GPUs that of its number on its machine. Throws Error where the
// machine has fewer GPUs than ranks, or a numbered GPU was asked for by several.
at::Device RankDevice(at::Device device, const std::string& asked, const RankPlace& place);

// Meets the other ranks of settings.options.ranks, once in a process, and checks that all have the
// same build, model and kind of device. nullptr for a process alone. Throws Error that names the
// rank that differs, or that did not come.
Team* JoinRanks(const ModelInfo& model, const RunSettings& settings);

// Rank 0 ends the work of the others. `team` may be nullptr; never throws.
void LeaveRanks(Team* team) noexcept;

}  // namespace t3
