// Interleaves kinds of batches evenly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace t3 {

struct Turn {
  size_t kind = 0;
  int64_t earlier = 0;  // turns of this kind so far
};

class TurnPlan {
 public:
  // Turns of each kind in a round, 1 or more.
  explicit TurnPlan(std::vector<int64_t> turns);
  // Turn `index`, counted from 0.
  Turn At(int64_t index) const;

 private:
  std::vector<int64_t> turns_;
  std::vector<size_t> round_;  // the kind of every turn of a round
};

}  // namespace t3
