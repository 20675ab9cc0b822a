// Layouts of data and sequence parallel ranks.
#include "training/loop/rank_layout.h"

#include <string>

#include "base/check.h"

namespace t3 {
namespace {

// Why `ranks` in groups of `sequence` cannot train; "" where they can.
std::string Refusal(int64_t ranks, int64_t sequence, int64_t accumulation, int64_t heads) {
  if (ranks % sequence != 0) return fmt::format("it does not divide {} ranks", ranks);
  if (heads % sequence != 0)
    return fmt::format("it does not divide the denoiser's {} heads", heads);
  if (ranks / sequence > accumulation) {
    return fmt::format("it gives {} groups of ranks, and a step has \"accumulation\" {} batches",
                       ranks / sequence, accumulation);
  }
  return "";
}

}  // namespace

std::vector<int64_t> RankLayout::Members(int64_t rank) const {
  std::vector<int64_t> members;
  for (int64_t i = 0; i < sequence; ++i) members.push_back(GroupOf(rank) * sequence + i);
  return members;
}

RankLayout ChooseRankLayout(int64_t ranks, int64_t accumulation, std::optional<int64_t> asked,
                            int64_t heads) {
  if (asked && ranks > 1) {
    const std::string refusal = Refusal(ranks, *asked, accumulation, heads);
    if (!refusal.empty()) FailUsage("\"sequence_parallel\" {}: {}", *asked, refusal);
    return {ranks, *asked};
  }
  for (int64_t sequence = 1; sequence <= ranks; ++sequence) {
    if (Refusal(ranks, sequence, accumulation, heads).empty()) return {ranks, sequence};
  }
  FailUsage(
      "\"accumulation\" {} gives {} ranks fewer than one batch each{}; set it to a multiple of {}, "
      "with a smaller batch where a step is to have as many clips as before",
      accumulation, ranks,
      heads > 1 ? fmt::format(", and ranks that share clips must divide the {} heads", heads) : "",
      ranks);
}

}  // namespace t3
