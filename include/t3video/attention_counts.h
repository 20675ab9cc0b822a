// How self-attention ran in `dtype` fp8: on e4m3 codes, or in bf16.
#pragma once

#include <cstdint>

namespace t3 {

// Self-attentions over so many tokens, those of all clips that are denoised together: one for every
// layer of a forward.
struct Fp8AttentionCount {
  int64_t tokens = 0;
  int64_t fp8 = 0;
  int64_t bf16 = 0;  // too little work, clips in a batch, no kernel, or a deterministic run
};

}  // namespace t3
