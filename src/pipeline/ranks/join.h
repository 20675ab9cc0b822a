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

// What must be the same on every rank: names and values.
using RankFacts = std::vector<std::pair<std::string, std::string>>;
// Of an engine, beside the build and the kind of device.
RankFacts FactsOf(const ModelInfo& model, const RunSettings& settings);

// Meets the other ranks, once in a process, and compares with them the build, the kind of device
// and `facts`. nullptr for a process alone. Throws Error that names the rank that differs, or that
// did not come.
Team* JoinRanks(const RankPlace& place, at::Device device, const RankFacts& facts);

// Rank 0 ends the work of the others. `team` may be nullptr; never throws.
void LeaveRanks(Team* team) noexcept;

}  // namespace t3
