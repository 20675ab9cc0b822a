// Gradients to the owners of weights, new weights back.
#include "training/loop/sharded_optimizer.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace t3 {
namespace {

constexpr const char* kWeight = "weight.";
constexpr const char* kKinds[] = {"moment1", "moment2", "ema"};
constexpr int64_t kBucketElements = 16 << 20;  // 64 MB; many small messages are slow

}  // namespace

std::map<std::string, int64_t> OwnersOf(const TensorMap& leaves, int64_t ranks) {
  std::vector<std::pair<int64_t, std::string>> sizes;
  for (const auto& [name, leaf] : leaves) sizes.emplace_back(-leaf.numel(), name);
  std::sort(sizes.begin(), sizes.end());  // the largest first
  std::map<std::string, int64_t> owners;
  std::vector<int64_t> loads(static_cast<size_t>(ranks), 0);
  for (const auto& [negative_size, name] : sizes) {
    const auto least = std::min_element(loads.begin(), loads.end());
    *least -= negative_size;
    owners[name] = least - loads.begin();
  }
  return owners;
}

ShardedOptimizer::ShardedOptimizer(const OptimizerConfig& config, double ema,
                                   const TensorMap& leaves, Team& team)
    : config_(config), ema_(ema), leaves_(leaves), team_(team) {
  T3_CHECK(!leaves.empty(), "there are no weights to train");
  const std::map<std::string, int64_t> owners = OwnersOf(leaves, team.size());
  FillBuckets(owners);
  for (const Bucket& bucket : buckets_) GiveWeights(bucket, 0);
  TensorMap own;
  for (const auto& [name, leaf] : leaves_) {
    if (owners.at(name) != team_.rank()) continue;
    own[name] = leaf;
    own_places_.push_back(std::distance(leaves_.begin(), leaves_.find(name)));
  }
  if (!own.empty()) own_.emplace(config, ema, own);
}

void ShardedOptimizer::FillBuckets(const std::map<std::string, int64_t>& owners) {
  for (int64_t rank = 0; rank < team_.size(); ++rank) {
    Bucket bucket{rank, {}, 0};
    for (const auto& [name, leaf] : leaves_) {
      if (owners.at(name) != rank) continue;
      if (!bucket.names.empty() && bucket.elements + leaf.numel() > kBucketElements) {
        buckets_.push_back(bucket);
        bucket = {rank, {}, 0};
      }
      bucket.names.push_back(name);
      bucket.elements += leaf.numel();
    }
    if (!bucket.names.empty()) buckets_.push_back(bucket);
  }
}

ShardedOptimizer::Bucket ShardedOptimizer::With(const Bucket& bucket,
                                                const std::string& kind) const {
  Bucket some{bucket.owner, {}, 0};
  for (const std::string& name : bucket.names) {
    const at::Tensor& leaf = leaves_.at(name);
    const std::vector<std::string> kinds = StoredKinds(config_, ema_, name, leaf.sizes());
    if (std::ranges::find(kinds, kind) == kinds.end()) continue;
    some.names.push_back(name);
    some.elements += leaf.numel();
  }
  return some;
}

at::Tensor ShardedOptimizer::Pack(const Bucket& bucket,
                                  const std::function<at::Tensor(const std::string&)>& of) const {
  const at::Tensor flat =
      at::empty({bucket.elements}, at::TensorOptions(team_.device()).dtype(at::kFloat));
  Unpack(bucket, flat,
         [&](const std::string& name, const at::Tensor& part) { part.copy_(of(name)); });
  return flat;
}

void ShardedOptimizer::Unpack(
    const Bucket& bucket, const at::Tensor& flat,
    const std::function<void(const std::string&, const at::Tensor&)>& take) const {
  int64_t first = 0;
  for (const std::string& name : bucket.names) {
    const at::Tensor& leaf = leaves_.at(name);
    take(name, flat.narrow(0, first, leaf.numel()).view(leaf.sizes()));
    first += leaf.numel();
  }
}

at::Tensor ShardedOptimizer::PackFrom(
    int64_t from, const Bucket& bucket,
    const std::function<at::Tensor(const std::string&)>& of) const {
  const at::Tensor flat =
      from == team_.rank()
          ? Pack(bucket, of)
          : at::empty({bucket.elements}, at::TensorOptions(team_.device()).dtype(at::kFloat));
  team_.everyone().Broadcast(flat, from);
  return flat;
}

void ShardedOptimizer::GiveWeights(const Bucket& bucket, int64_t from) const {
  const c10::NoGradGuard no_grad;
  const auto weight = [&](const std::string& name) { return leaves_.at(name).detach(); };
  const at::Tensor flat = PackFrom(from, bucket, weight);
  if (from == team_.rank()) return;
  Unpack(bucket, flat,
         [&](const std::string& name, const at::Tensor& part) { weight(name).copy_(part); });
}

void ShardedOptimizer::SumGradients() {
  const c10::NoGradGuard no_grad;
  for (const Bucket& bucket : buckets_) {
    const at::Tensor sum = Pack(bucket, [&](const std::string& name) {
      T3_CHECK(leaves_.at(name).grad().defined(), "the weight {} has no gradient", name);
      return leaves_.at(name).grad();
    });
    team_.everyone().SumTo(sum, bucket.owner);
    Unpack(bucket, sum, [&](const std::string& name, const at::Tensor& part) {
      at::Tensor leaf = leaves_.at(name);
      if (Owns(bucket)) {
        leaf.grad().copy_(part);
      } else {
        leaf.mutable_grad().reset();
      }
    });
  }
}

// Each rank knows the norms of its own leaves' gradients and adds 0 for the others.
double ShardedOptimizer::ClipGradients() {
  const c10::NoGradGuard no_grad;
  const at::Tensor norms =
      at::zeros({std::ssize(leaves_)}, at::TensorOptions(team_.device()).dtype(at::kFloat));
  if (own_) {
    const at::Tensor places = at::tensor(own_places_, at::kLong).to(team_.device());
    norms.index_copy_(0, places, own_->GradientNorms());
  }
  team_.everyone().Sum(norms);
  team_.everyone().Settle();
  const double norm = norms.norm().item<double>();
  if (own_) own_->ClipTo(norm);
  return norm;
}

void ShardedOptimizer::Step(double lr) {
  if (own_) own_->Step(lr);
  for (const Bucket& bucket : buckets_) GiveWeights(bucket, bucket.owner);
  team_.everyone().Settle();
}

TensorMap ShardedOptimizer::Fetch(const std::string& kind, at::Device device) const {
  const c10::NoGradGuard no_grad;
  const TensorMap own = own_ ? own_->State() : TensorMap();
  TensorMap all;
  for (const Bucket& whole : buckets_) {
    const Bucket bucket = With(whole, kind);
    if (bucket.names.empty()) continue;
    const at::Tensor flat = PackFrom(bucket.owner, bucket, [&](const std::string& name) {
      return GetTensor(own, kind + "." + name);
    });
    team_.everyone().Settle();
    if (team_.rank() != 0) continue;
    Unpack(bucket, flat.to(device),
           [&](const std::string& name, const at::Tensor& part) { all[name] = part; });
  }
  return all;
}

TensorMap ShardedOptimizer::EmaWeights() const {
  if (ema_ > 0) return Fetch("ema", team_.device());
  TensorMap weights;
  if (team_.rank() != 0) return weights;
  for (const auto& [name, leaf] : leaves_) weights[name] = leaf.detach();
  return weights;
}

TensorMap ShardedOptimizer::State() const {
  TensorMap state;
  for (const std::string kind : kKinds) {
    for (const auto& [name, tensor] : Fetch(kind, at::kCPU)) state[kind + "." + name] = tensor;
  }
  if (team_.rank() != 0) return state;
  for (const auto& [name, leaf] : leaves_) state[kWeight + name] = leaf.detach();
  return state;
}

void ShardedOptimizer::CheckRestorable(const TensorMap& state) const {
  TensorMap wanted;
  for (const auto& [name, leaf] : leaves_) {
    wanted[kWeight + name] = leaf;
    for (const std::string& kind : StoredKinds(config_, ema_, name, leaf.sizes()))
      wanted[kind + "." + name] = leaf;
  }
  CheckState(wanted, state);
}

void ShardedOptimizer::Restore(const TensorMap& state, int64_t steps) {
  const c10::NoGradGuard no_grad;
  TensorMap own;
  for (const Bucket& whole : buckets_) {
    for (const std::string kind : kKinds) {
      const Bucket bucket = With(whole, kind);
      if (bucket.names.empty()) continue;
      const at::Tensor flat = PackFrom(
          0, bucket, [&](const std::string& name) { return GetTensor(state, kind + "." + name); });
      team_.everyone().Settle();
      if (!Owns(bucket)) continue;
      Unpack(bucket, flat.cpu(), [&](const std::string& name, const at::Tensor& part) {
        own[kind + "." + name] = part;
      });
    }
    for (const std::string& name : whole.names) {
      const at::Tensor weight = leaves_.at(name).detach();
      if (team_.rank() == 0) weight.copy_(GetTensor(state, kWeight + name));
      if (Owns(whole)) own[kWeight + name] = weight;
    }
    GiveWeights(whole, 0);
  }
  if (own_) own_->Restore(own, steps);
  team_.everyone().Settle();
}

}  // namespace t3
