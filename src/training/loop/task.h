// What a Trainer trains: a network with its data and loss.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "nn/tensor_map.h"

namespace t3 {

struct MicroBatchResult {
  at::Tensor loss;                 // scalar, detached, on the device
  std::vector<std::string> items;  // names of the batch's clips, for messages
};

class Task {
 public:
  virtual ~Task() = default;
  // The weights in training by name: fp32 leaves that require gradients.
  virtual const TensorMap& leaves() const = 0;
  // Forward and backward pass of one micro batch: adds the gradient of `scale` * loss to the
  // leaves. Every random number depends on (seed, step, micro) alone.
  virtual MicroBatchResult ForwardBackward(int64_t step, int64_t micro, double scale) = 0;
  // Writes the model into `folder`, with `weights` (by the names of leaves()) in place of the
  // leaves, so that `t3 generate --model FOLDER` runs it.
  virtual void SaveModel(const TensorMap& weights, const std::string& folder) const = 0;
  // Distinguishes base models and data sets: sizes and digests.
  virtual nlohmann::json Identity() const = 0;
};

}  // namespace t3
