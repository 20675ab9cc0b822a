// Kinds of batches in turn, evenly spread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace t3 {

struct Turn {
  size_t kind = 0;
  int64_t earlier = 0;  // turns that this kind has had before
};

class TurnPlan {
 public:
  // How many turns of a round each kind takes, 1 or more.
  explicit TurnPlan(std::vector<int64_t> turns);
  // The turn `index` from 0 up.
  Turn At(int64_t index) const;

 private:
  std::vector<int64_t> turns_;
  std::vector<size_t> round_;  // the kind of every turn of a round
};

}  // namespace t3
