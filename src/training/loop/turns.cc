// Each turn every kind gains its share as credit; the kind with the most credit takes the turn.
#include "training/loop/turns.h"

#include <algorithm>
#include <numeric>

namespace t3 {

TurnPlan::TurnPlan(std::vector<int64_t> turns) : turns_(std::move(turns)) {
  const int64_t sum = std::accumulate(turns_.begin(), turns_.end(), int64_t{0});
  std::vector<int64_t> credit(turns_.size(), 0);
  for (int64_t turn = 0; turn < sum; ++turn) {
    for (size_t kind = 0; kind < turns_.size(); ++kind) credit[kind] += turns_[kind];
    const auto most = std::max_element(credit.begin(), credit.end());
    *most -= sum;
    round_.push_back(static_cast<size_t>(most - credit.begin()));
  }
}

Turn TurnPlan::At(int64_t index) const {
  const auto length = static_cast<int64_t>(round_.size());
  const int64_t place = index % length;
  const size_t kind = round_[static_cast<size_t>(place)];
  return {kind,
          index / length * turns_[kind] + std::count(round_.begin(), round_.begin() + place, kind)};
}

}  // namespace t3
