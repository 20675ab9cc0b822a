// Counts of the process: which self-attentions that asked for fp8 ran on codes.
#pragma once

#include <vector>

#include "t3video/attention_counts.h"

namespace t3 {

// May be called from several threads.
void AddFp8Attention(int64_t tokens, bool on_codes);
void ClearFp8AttentionCounts();
// Since the last ClearFp8AttentionCounts, by rising number of tokens.
std::vector<Fp8AttentionCount> CountFp8Attention();

}  // namespace t3
