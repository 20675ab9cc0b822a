// The items of each training step.
#pragma once

#include <cstdint>
#include <vector>

namespace t3 {

// Batches of one bucket each. An epoch shuffles every bucket and uses each of its items at least
// once; a bucket's last batch is filled from its beginning. The order of batches is shuffled as
// well. All is a function of (seed, step), so training resumes without state.
class BatchPlan {
 public:
  // `buckets`: item indices of each bucket, as PreparedDataset::Buckets. Throws Error without items
  // or with batch_size < 1.
  BatchPlan(std::vector<std::vector<int64_t>> buckets, int64_t batch_size, uint64_t seed);

  int64_t steps_per_epoch() const { return steps_; }
  // batch_size item indices for step 0, 1, ...; not thread-safe.
  std::vector<int64_t> At(int64_t step) const;

 private:
  using Batches = std::vector<std::vector<int64_t>>;
  Batches MakeEpoch(int64_t epoch) const;

  std::vector<std::vector<int64_t>> buckets_;
  int64_t batch_size_ = 1;
  uint64_t seed_ = 0;
  int64_t steps_ = 0;
  mutable int64_t epoch_ = -1;  // the one that batches_ holds
  mutable Batches batches_;
};

}  // namespace t3
