// LoRA files over a network's weights.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "arch/naming.h"
#include "arch/tensor_spec.h"
#include "weights/lora.h"

namespace t3 {

struct LoraSpec {
  std::string path;
  double scale = 1;
};

// LoRA files, opened and checked against a network.
class LoraStack {
 public:
  // Throws Error when a file has entries that match no tensor of `table` or do not fit its shape.
  LoraStack(const std::vector<LoraSpec>& specs, const TensorTable& table, const Naming& naming);

  bool empty() const { return loras_.empty(); }
  bool Changes(const std::string& name) const;
  // Paths of the files that change the tensor.
  std::string Sources(const std::string& name) const;
  // weight + the sum of the scaled deltas, in fp32 on the weight's device. `weight` is fp32 and is
  // changed in place.
  void AddTo(const std::string& name, at::Tensor& weight) const;

 private:
  struct Entry {
    LoraFile file;
    double scale;
  };
  std::vector<Entry> loras_;
};

// The module of `naming` that a LoRA file's module stands for: prefixes such as "transformer.",
// "base_model.model." and "lora_unet_" with '_' for '.'.
CanonicalModule ModuleNames(const Naming& naming);

}  // namespace t3
