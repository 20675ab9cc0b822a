// An optimizer whose state is divided among ranks, as each of them has it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nn/tensor_map.h"
#include "parallel/team.h"
#include "training/loop/local_optimizer.h"
#include "training/loop/train_config.h"

namespace t3 {

// The rank that has the state of each leaf, so that ranks have about as many elements: whole
// tensors, because Muon orthogonalizes a matrix as a whole.
std::map<std::string, int64_t> OwnersOf(const TensorMap& leaves, int64_t ranks);

// All ranks have all weights and compute gradients of them. The owner of a weight has its moments
// and its EMA, updates it, and gives it to the others. Every rank of the team calls the same
// functions in the same order.
class ShardedOptimizer {
 public:
  // Leaves become those of rank 0. `ema`: its decay, 0 for none.
  ShardedOptimizer(const OptimizerConfig& config, double ema, const TensorMap& leaves, Team& team);

  // Sums the ranks' gradients, on the owner of each leaf; the others' are freed. A leaf without a
  // gradient on one rank has none on any.
  void SumGradients();
  // Optimizer::ClipGradients; the norm has the same bits on all ranks.
  double ClipGradients();
  void Step(double lr);
  // On rank 0, on its device; {} on the others.
  TensorMap EmaWeights() const;
  // On rank 0, in host memory, since a rank's device has memory for its part; {} on the others.
  TensorMap State() const;
  // `state` is rank 0's. Throws Error on rank 0 before anything is exchanged.
  void CheckRestorable(const TensorMap& state) const;
  void Restore(const TensorMap& state, int64_t steps);

 private:
  // Leaves of one owner that are exchanged as one message.
  struct Bucket {
    int64_t owner = 0;
    std::vector<std::string> names;
    int64_t elements = 0;
  };
  void FillBuckets(const std::map<std::string, int64_t>& owners);
  // The bucket's leaves beside which `kind` is stored (StoredKinds).
  Bucket With(const Bucket& bucket, const std::string& kind) const;
  // Tensors of the bucket's leaves, flat, in order; and back: take(name, its part as the leaf).
  at::Tensor Pack(const Bucket& bucket,
                  const std::function<at::Tensor(const std::string&)>& of) const;
  void Unpack(const Bucket& bucket, const at::Tensor& flat,
              const std::function<void(const std::string&, const at::Tensor&)>& take) const;
  // Pack on rank `from`, which all get.
  at::Tensor PackFrom(int64_t from, const Bucket& bucket,
                      const std::function<at::Tensor(const std::string&)>& of) const;
  void GiveWeights(const Bucket& bucket, int64_t from) const;
  // What is stored of `kind`, by leaf: on rank 0, moved to `device`; {} on the others.
  TensorMap Fetch(const std::string& kind, at::Device device) const;
  bool Owns(const Bucket& bucket) const { return bucket.owner == team_.rank(); }

  OptimizerConfig config_;
  double ema_;
  TensorMap leaves_;
  Team& team_;
  std::vector<Bucket> buckets_;
  std::vector<int64_t> own_places_;    // of the leaves that this rank owns, among all
  std::optional<LocalOptimizer> own_;  // of these; nullopt where there are none
};

}  // namespace t3
