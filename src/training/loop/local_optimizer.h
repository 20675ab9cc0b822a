// AdamW, or Muon for hidden matrices, over fp32 master weights, with the EMA.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "nn/tensor_map.h"
#include "training/loop/optimizer.h"
#include "training/loop/train_config.h"

namespace t3 {

// The tensors that are stored of a weight beside itself, as Optimizer::State calls them: "moment1",
// "moment2", "ema". All have the weight's shape.
std::vector<std::string> StoredKinds(const OptimizerConfig& config, double ema,
                                     const std::string& name, at::IntArrayRef shape);

// Throws Error for a tensor of `state` that is missing, unknown or of another shape than in
// `wanted`.
void CheckState(const TensorMap& wanted, const TensorMap& state);

// State in this process: fp32 tensors on the device of the leaves.
class LocalOptimizer : public Optimizer {
 public:
  // `leaves` require gradients; the task computes with them. `ema`: its decay, 0 for none.
  LocalOptimizer(const OptimizerConfig& config, double ema, const TensorMap& leaves);

  double ClipGradients() override;
  // Its parts: (leaves) fp32, the norm of each leaf's gradient in the order of names; and the
  // scaling, where `norm` is the global one.
  at::Tensor GradientNorms() const;
  void ClipTo(double norm);

  void Step(double lr) override;
  TensorMap EmaWeights() const override;  // not copied
  TensorMap State() const override;       // not copied
  bool HasState() const override { return true; }
  void Restore(const TensorMap& state, int64_t steps) override;

 private:
  using Indices = std::vector<size_t>;
  void StepAdamW(double lr);

  OptimizerConfig config_;
  double ema_decay_;
  std::vector<std::string> names_;
  std::vector<at::Tensor> leaves_, moments1_, moments2_, ema_;  // moments2_: undefined under Muon
  std::vector<at::Tensor> steps_;                               // of the leaves under AdamW
  Indices adamw_;
  std::map<std::pair<int64_t, int64_t>, Indices> muon_;  // by rows and columns
};

}  // namespace t3
