// The search for the fastest decode plan within a budget.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "plan/decode_memory.h"
#include "plan/decode_plan.h"

namespace t3 {
namespace {

// Passes of more latent frames than this gain nothing and need more slabs.
constexpr int64_t kMaxLatentFrames = 2;
// With more slabs than this, frames outer spends more on halos than slabs outer costs.
constexpr int64_t kMaxSlabs = 16;
constexpr int64_t kFewScoreBytes = int64_t{1} << 29;

// Work for one latent frame, halos included. Passes of one frame read and write the causal caches
// twice as often: that memory traffic takes some 2 % of the time at 4K.
double PlanCost(const DecodePlan& plan) {
  constexpr double kShortPass = 1.02;
  double macs = BlockMacs(plan.whole);
  for (const PlannedSlab& slab : plan.slabs) macs += BlockMacs(slab);
  return macs / static_cast<double>(plan.latent_frames) *
         (plan.latent_frames == 1 ? kShortPass : 1);
}

// The plan with the fewest slabs, at most `max_slabs`, within the budget and the tensor limit.
std::optional<DecodePlan> FewestSlabs(const VaeConfig& config, const Grid& latent,
                                      int64_t element_bytes, int64_t budget,
                                      DecodePlanOptions options, int64_t max_slabs) {
  for (options.slabs = 1; options.slabs <= max_slabs; ++options.slabs) {
    DecodePlan plan = MakeDecodePlan(config, latent, element_bytes, options);
    if (plan.memory.total <= budget && LargestTensor(plan) <= kMaxTensorElements) return plan;
  }
  return std::nullopt;
}

}  // namespace

double RelativeWork(const DecodePlan& plan) {
  const double whole = BlockMacs(plan.whole);
  double macs = whole;
  for (const PlannedSlab& slab : plan.slabs) macs += BlockMacs(slab);
  return macs / (whole + BlockMacs(plan.slabs.front(), /*whole=*/true));
}

DecodePlan SmallestDecodePlan(const VaeConfig& config, const Grid& latent, int64_t element_bytes) {
  return MakeDecodePlan(config, latent, element_bytes,
                        {DecodeOrder::kSlabsOuter, 1, 0, latent.h, kFewScoreBytes});
}

std::optional<DecodePlan> FindDecodePlan(const VaeConfig& config, const Grid& latent,
                                         int64_t element_bytes, int64_t budget,
                                         const RowRange& part) {
  const int64_t rows = part.size() > 0 ? part.size() : latent.h;
  const int64_t passes = std::max<int64_t>(latent.t - 1, 1);
  std::optional<DecodePlan> best;
  for (int64_t frames = std::min(kMaxLatentFrames, passes); frames >= 1; --frames) {
    // Halos cost most in early levels: as many of them on whole frames as memory and kernels allow.
    for (int64_t whole = kVaeLevels - 1; whole >= 0; --whole) {
      const DecodePlanOptions options{.order = DecodeOrder::kFramesOuter,
                                      .latent_frames = frames,
                                      .whole_levels = whole,
                                      .part = part};
      auto plan =
          FewestSlabs(config, latent, element_bytes, budget, options, std::min(kMaxSlabs, rows));
      if (plan && (!best || PlanCost(*plan) < PlanCost(*best))) best = std::move(plan);
    }
  }
  if (best) return best;
  const DecodePlanOptions options{DecodeOrder::kSlabsOuter, 1, 0, 1, kFewScoreBytes, part};
  return FewestSlabs(config, latent, element_bytes, budget, options, rows);
}

DecodePlan PlanDecode(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                      int64_t budget) {
  const auto plan = FindDecodePlan(config, latent, element_bytes, budget);
  T3_CHECK(plan.has_value(),
           "decoding {} latent frames of {}x{} needs at least {} beside the weights, but {} are "
           "left; use a larger `memory-limit` or fewer frames",
           latent.t, latent.w, latent.h,
           FormatBytes(SmallestDecodePlan(config, latent, element_bytes).memory.total),
           FormatBytes(std::max<int64_t>(budget, 0)));
  return *plan;
}

DecodePlan PlanDecodePart(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                          int64_t budget, int64_t part, int64_t parts) {
  T3_CHECK(parts <= latent.h, "decoding {} latent rows in {} parts; wanted at most one a row",
           latent.h, parts);
  RowRange tallest;
  for (int64_t i = 0; i < parts; ++i) {
    const RowRange rows = PartRows(latent.h, i, parts);
    // Those at the edges have one halo instead of two.
    if (rows.size() > tallest.size() || (rows.size() == tallest.size() && i == 1)) tallest = rows;
  }
  const auto plan = FindDecodePlan(config, latent, element_bytes, budget, tallest);
  T3_CHECK(plan.has_value(),
           "decoding {} latent frames of {}x{} in {} parts does not fit {} beside the weights; use "
           "a larger `memory-limit` or fewer frames",
           latent.t, latent.w, latent.h, parts, FormatBytes(std::max<int64_t>(budget, 0)));
  const RowRange rows = PartRows(latent.h, part, parts);
  return MakeDecodePlan(config, latent, element_bytes,
                        {.order = plan->order,
                         .latent_frames = plan->latent_frames,
                         .whole_levels = std::ssize(plan->whole.levels),
                         .slabs = std::min<int64_t>(std::ssize(plan->slabs), latent.h / parts),
                         .score_bytes = plan->score_bytes,
                         .part = rows});
}

}  // namespace t3
