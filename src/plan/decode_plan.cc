// Decode plans from what the planner chooses among.
#include "plan/decode_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "plan/decode_memory.h"

namespace t3 {

DecodePlan MakeDecodePlan(const VaeConfig& config, const Grid& latent, int64_t element_bytes,
                          const DecodePlanOptions& options) {
  const RowRange part = options.part.size() > 0 ? options.part : RowRange{0, latent.h};
  T3_CHECK(options.slabs >= 1 && options.slabs <= part.size() && options.latent_frames >= 1 &&
               options.whole_levels >= 0 && options.whole_levels < kVaeLevels &&
               (options.order == DecodeOrder::kFramesOuter || options.whole_levels == 0),
           "decode plan: {} slabs of {} latent rows, {} latent frames per pass, {} whole levels",
           options.slabs, part.size(), options.latent_frames, options.whole_levels);
  DecodePlan plan;
  plan.order = options.order;
  plan.latent = latent;
  plan.latent_frames = options.latent_frames;
  plan.score_bytes =
      std::min(options.score_bytes, latent.h * latent.w * latent.h * latent.w * element_bytes);
  plan.part = part;
  const int64_t split = options.whole_levels;
  const int64_t stride = config.spatial_stride() / config.patch();  // rows per latent row
  for (int64_t i = 0; i < options.slabs; ++i) {
    const RowRange rows{stride * (part.begin + part.size() * i / options.slabs),
                        stride * (part.begin + part.size() * (i + 1) / options.slabs)};
    plan.slabs.push_back(
        MakeDecoderSlab(config, latent, options.latent_frames, split, kVaeLevels, rows));
  }
  plan.whole = MakeDecoderSlab(config, latent, options.latent_frames, 0, split,
                               {plan.slabs.front().input.begin, plan.slabs.back().input.end});
  plan.memory = CountDecodeMemory(config, element_bytes, plan);
  return plan;
}

RowRange PartRows(int64_t rows, int64_t part, int64_t parts) {
  return {rows * part / parts, rows * (part + 1) / parts};
}

std::string DescribeDecodePlan(const DecodePlan& plan) {
  const std::string slabs =
      fmt::format("{} slab{}", plan.slabs.size(), plan.slabs.size() == 1 ? "" : "s");
  std::string order = plan.order == DecodeOrder::kFramesOuter
                          ? fmt::format("whole frames in {}, {} latent frame{} per pass", slabs,
                                        plan.latent_frames, plan.latent_frames == 1 ? "" : "s")
                          : fmt::format("{} one after the other, each through all frames", slabs);
  if (plan.slabs.size() == 1) return order;
  return fmt::format("{}, {:.2f} times the work", order, RelativeWork(plan));
}

}  // namespace t3
