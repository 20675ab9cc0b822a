// How the ranks of a run share a step of the denoiser.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace t3 {

// Rank r computes branch r / shards of guidance, and of it part r % shards of the tokens and heads.
struct RankSplit {
  int64_t branches = 1;  // 2: each half of the ranks computes one branch
  int64_t shards = 1;    // ranks that share a forward; a divisor of the heads

  int64_t ranks() const { return branches * shards; }
  bool operator==(const RankSplit&) const = default;
};

// The splits of `ranks` ranks, the fastest first: branches exchange nothing but a velocity, shards
// exchange q, k, v and the output of every layer. Empty where no split divides the heads.
std::vector<RankSplit> RankSplits(int64_t ranks, int64_t heads, bool two_branches);

// The counts of ranks up to `max` for which there is a split.
std::vector<int64_t> RankCounts(int64_t max, int64_t heads, bool two_branches);

// "2 branches of guidance x 4 parts of the tokens"; "" for one rank.
std::string DescribeSplit(const RankSplit& split);

// Bytes that a rank sends in one forward: of N tokens q, k, v and the output, each its share.
double ExchangedBytes(const RankSplit& split, int64_t layers, int64_t tokens, int64_t token_bytes);

}  // namespace t3
