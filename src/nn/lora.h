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
  // Throws Error as ReadLora does, and for entries that do not fit the shapes of `table`.
  LoraStack(const std::vector<LoraSpec>& specs, const TensorTable& table, const Naming& naming);

  bool empty() const { return loras_.empty(); }
  bool Changes(const std::string& name) const;
  // weight + the sum of the scaled deltas, in fp32 on the weight's device. `weight` is fp32 and is
  // changed in place. Throws Error that names the LoRA and its tensor where that is not finite.
  void AddTo(const std::string& name, at::Tensor& weight) const;

 private:
  struct Entry {
    LoraFile file;
    double scale;
  };
  std::vector<Entry> loras_;
};

// How the LoRAs of a network name its modules: prefixes such as "transformer.", "base_model.model."
// and "lora_unet_" with '_' for '.'.
LoraModules ModulesOf(const Naming& naming);

}  // namespace t3
