// Keeps the counts by number of tokens.
#include "ops/attention/fp8_attention_counts.h"

#include <map>
#include <mutex>

namespace t3 {
namespace {

struct Fp8AttentionTally {
  std::mutex mutex;
  std::map<int64_t, Fp8AttentionCount> by_tokens;
};

Fp8AttentionTally& TheFp8AttentionTally() {
  static Fp8AttentionTally tally;
  return tally;
}

}  // namespace

void AddFp8Attention(int64_t tokens, bool on_codes) {
  Fp8AttentionTally& tally = TheFp8AttentionTally();
  const std::lock_guard lock(tally.mutex);
  Fp8AttentionCount& count = tally.by_tokens[tokens];
  count.tokens = tokens;
  ++(on_codes ? count.fp8 : count.bf16);
}

void ClearFp8AttentionCounts() {
  Fp8AttentionTally& tally = TheFp8AttentionTally();
  const std::lock_guard lock(tally.mutex);
  tally.by_tokens.clear();
}

std::vector<Fp8AttentionCount> CountFp8Attention() {
  Fp8AttentionTally& tally = TheFp8AttentionTally();
  const std::lock_guard lock(tally.mutex);
  std::vector<Fp8AttentionCount> counts;
  for (const auto& [tokens, count] : tally.by_tokens) counts.push_back(count);
  return counts;
}

}  // namespace t3
