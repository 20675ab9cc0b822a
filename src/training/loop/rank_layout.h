// How the ranks of a training divide a step.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace t3 {

// Groups of consecutive ranks take micro batches, and the ranks of a group share the tokens of each
// clip. Rank r is member r % sequence of group r / sequence; micro batch m of a step is that of
// group m % groups.
struct RankLayout {
  int64_t ranks = 1;
  int64_t sequence = 1;  // ranks of a group

  int64_t groups() const { return ranks / sequence; }
  int64_t GroupOf(int64_t rank) const { return rank / sequence; }
  // The ranks of the group of `rank`.
  std::vector<int64_t> Members(int64_t rank) const;
};

// The layout for steps of `accumulation` micro batches: `asked` ranks a group, or as few as leave
// every group a micro batch. `heads`: of the denoiser's attention, which a group divides; 1 for
// tasks whose clips cannot be shared. Throws Error of kind kUsage where there is none.
RankLayout ChooseRankLayout(int64_t ranks, int64_t accumulation, std::optional<int64_t> asked,
                            int64_t heads);

}  // namespace t3
