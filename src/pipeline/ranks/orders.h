// What rank 0 orders of the other ranks, as JSON.
#pragma once

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>

#include "config/geometry.h"
#include "parallel/team.h"

namespace t3::orders {

// The field "do" of an order; those of a denoiser are in pipeline/guided_denoiser.cc.
inline constexpr char kLoadDenoiser[] = "load denoiser";
inline constexpr char kDropDenoiser[] = "drop denoiser";
inline constexpr char kDenoise[] = "denoise";  // the layers' windows and the texts of a run
inline constexpr char kLoadDecoder[] = "load decoder";
inline constexpr char kDropDecoder[] = "drop decoder";
inline constexpr char kDecode[] = "decode";
inline constexpr char kLoadEncoder[] = "load encoder";
inline constexpr char kDropEncoder[] = "drop encoder";
inline constexpr char kEncode[] = "encode";
inline constexpr char kBudget[] = "budget";
inline constexpr char kEnd[] = "end";

inline nlohmann::json GridJson(const Grid& grid) { return {grid.t, grid.h, grid.w}; }
inline Grid GridOf(const nlohmann::json& json) { return {json[0], json[1], json[2]}; }

// The smallest `budget` of all ranks, bytes. Rank 0 orders it of the others, which call the second.
int64_t SmallestBudget(Team& team, int64_t budget);
int64_t ShareBudget(Team& team, int64_t budget);

// fp32, on the team's device; from rank 0 to all. Rank 0 gives x, the others get it by its shape.
void Send(Team& team, const at::Tensor& x);
at::Tensor Receive(Team& team, const std::vector<int64_t>& shape);

}  // namespace t3::orders
