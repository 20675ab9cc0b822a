// What a Trainer trains: a network with its data and loss.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/check.h"
#include "nn/tensor_map.h"
#include "training/loop/local_optimizer.h"
#include "training/loop/step_share.h"

namespace t3 {

struct MicroBatchResult {
  at::Tensor loss;                 // scalar, detached, on the device
  std::vector<std::string> items;  // names of the batch's clips, for messages
};

// Numbers beside the loss by their names in the log.
using StepValues = std::map<std::string, double>;

class Task {
 public:
  virtual ~Task() = default;
  // The weights in training by name: fp32 leaves that require gradients.
  virtual const TensorMap& leaves() const = 0;
  // Forward and backward pass of one micro batch: adds the gradient of `scale` * loss to the
  // leaves. Every random number depends on (seed, step, micro) alone.
  virtual MicroBatchResult ForwardBackward(int64_t step, int64_t micro, double scale) = 0;
  // What a step does besides: before its first micro batch (updates of a second network), and after
  // the leaves have changed.
  virtual void BeforeStep(int64_t /*step*/) {}
  virtual void AfterStep(int64_t /*step*/) {}
  // What updates the leaves. Called once, before the first step.
  virtual std::unique_ptr<Optimizer> MakeOptimizer(const TrainConfig& config) {
    return std::make_unique<LocalOptimizer>(config.optimizer, config.ema, leaves());
  }
  // Several processes share the task: from now on each calls BeforeStep and AfterStep and has the
  // same state. False where they cannot, because it has a state and does not ask `share`.
  virtual bool ShareWith(const StepShare& /*share*/) { return State().empty(); }
  // Of the last step.
  virtual StepValues Values() const { return {}; }
  // That the last step suggests a divergence, after which a checkpoint may be of no use.
  virtual bool MayDiverge() const { return false; }
  // What a checkpoint holds besides the leaves and their optimizer's state, as it is between steps.
  virtual TensorMap State() const { return {}; }
  // Gets back what State gave, on the CPU, after `steps` steps. Throws Error for another state.
  virtual void Restore(const TensorMap& state, int64_t /*steps*/) {
    T3_CHECK(state.empty(), "it holds a tensor {} that this task does not have",
             state.begin()->first);
  }
  // Writes the model into `folder`, with `weights` (by the names of leaves()) in place of the
  // leaves, so that `t3 generate --model FOLDER` runs it.
  virtual void SaveModel(const TensorMap& weights, const std::string& folder) const = 0;
  // Distinguishes base models and data sets: sizes and digests.
  virtual nlohmann::json Identity() const = 0;
};

}  // namespace t3
