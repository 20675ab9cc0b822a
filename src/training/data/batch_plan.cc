// Shuffles each epoch from its own seed.
#include "training/data/batch_plan.h"

#include <utility>

#include "base/check.h"
#include "base/mix_bits.h"

namespace t3 {
namespace {

// splitmix64: the same numbers with every standard library, unlike <random>'s distributions.
class EpochDraws {
 public:
  EpochDraws(uint64_t seed, int64_t epoch)
      : numbers_(MixBits(seed) ^ static_cast<uint64_t>(epoch)) {}
  // Uniform in [0, count), but for a bias of count / 2^64.
  int64_t Below(int64_t count) {
    return static_cast<int64_t>(numbers_.Next() % static_cast<uint64_t>(count));
  }

 private:
  MixSequence numbers_;
};

template <typename T>
void Shuffle(std::vector<T>& items, EpochDraws& draws) {
  for (int64_t i = std::ssize(items) - 1; i > 0; --i) {
    std::swap(items[static_cast<size_t>(i)], items[static_cast<size_t>(draws.Below(i + 1))]);
  }
}

}  // namespace

BatchPlan::BatchPlan(std::vector<std::vector<int64_t>> buckets, int64_t batch_size, uint64_t seed)
    : buckets_(std::move(buckets)), batch_size_(batch_size), seed_(seed) {
  T3_CHECK(batch_size >= 1, "the batch size is {}; wanted 1 or more", batch_size);
  for (const auto& items : buckets_) steps_ += (std::ssize(items) + batch_size - 1) / batch_size;
  T3_CHECK(steps_ > 0, "the dataset has no clip to train on");
}

BatchPlan::Batches BatchPlan::MakeEpoch(int64_t epoch) const {
  EpochDraws draws(seed_, epoch);
  Batches batches;
  for (std::vector<int64_t> items : buckets_) {
    Shuffle(items, draws);
    for (size_t begin = 0; begin < items.size(); begin += static_cast<size_t>(batch_size_)) {
      std::vector<int64_t>& batch = batches.emplace_back();
      for (size_t i = 0; i < static_cast<size_t>(batch_size_); ++i) {
        batch.push_back(items[(begin + i) % items.size()]);
      }
    }
  }
  Shuffle(batches, draws);
  return batches;
}

std::vector<int64_t> BatchPlan::At(int64_t step) const {
  T3_CHECK(step >= 0, "a batch was asked for step {}", step);
  if (step / steps_ != epoch_) {
    batches_ = MakeEpoch(step / steps_);
    epoch_ = step / steps_;
  }
  return batches_[static_cast<size_t>(step % steps_)];
}

}  // namespace t3
