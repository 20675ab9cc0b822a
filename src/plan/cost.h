// Work of a forward and of a decode in multiply-accumulates (1 TMAC = 10^12 MAC = 2 TFLOP).
#pragma once

#include "config/attention.h"
#include "config/geometry.h"
#include "config/model_config.h"

namespace t3 {

// Pairs of a query and a key that one partition attends: the sum of the squared window lengths.
// Close and remote windows have the same lengths; shifted ones are the close windows cut at the
// border (plan/partition.h).
double WindowPairs(const Grid& grid, const WindowCounts& counts);
double ShiftedWindowPairs(const Grid& grid, const WindowCounts& counts);

// One forward of the denoiser for one guidance branch.
struct DitCost {
  double attention = 0;  // of the pattern, close and remote computed once where they coincide
  double attention_uncombined =
      0;                       // the same with both partitions always, as in the published code
  double full_attention = 0;   // of full attention
  double linears = 0;          // of tokens, patch embedding and head included
  double cross_attention = 0;  // to all rows of text
  double total() const { return attention + linears + cross_attention; }
};

// Excludes text keys and values (once per run) and the time MLP (0.01 % of a forward).
DitCost CostOfForward(const DitConfig& config, AttentionPattern pattern, const WindowCycle& cycle,
                      const Grid& grid);

// Convolutions and middle attention of a whole video's decode; `latent` is T, h, w of its latents.
double CostOfDecode(const VaeConfig& config, const Grid& latent);
// Likewise of its encode.
double CostOfEncode(const VaeConfig& config, const Grid& latent);

}  // namespace t3
