// Splits of ranks.
#include "plan/rank_split.h"

#include <fmt/format.h>

namespace t3 {

std::vector<RankSplit> RankSplits(int64_t ranks, int64_t heads, bool two_branches) {
  std::vector<RankSplit> splits;
  if (two_branches && ranks % 2 == 0 && heads % (ranks / 2) == 0) splits.push_back({2, ranks / 2});
  if (heads % ranks == 0) splits.push_back({1, ranks});
  return splits;
}

std::vector<int64_t> RankCounts(int64_t max, int64_t heads, bool two_branches) {
  std::vector<int64_t> counts;
  for (int64_t ranks = 1; ranks <= max; ++ranks) {
    if (!RankSplits(ranks, heads, two_branches).empty()) counts.push_back(ranks);
  }
  return counts;
}

std::string DescribeSplit(const RankSplit& split) {
  if (split.ranks() == 1) return "";
  if (split.shards == 1) return "2 branches of guidance";
  const std::string parts = fmt::format("{} parts of the tokens", split.shards);
  return split.branches == 1 ? parts : "2 branches of guidance x " + parts;
}

double ExchangedBytes(const RankSplit& split, int64_t layers, int64_t tokens, int64_t token_bytes) {
  const auto shards = static_cast<double>(split.shards);
  return 4.0 * static_cast<double>(layers) * static_cast<double>(tokens) *
         static_cast<double>(token_bytes) / shards * (shards - 1) / shards;
}

}  // namespace t3
