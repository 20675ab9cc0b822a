// From an opened file to the tensors of a network on its device.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "arch/naming.h"
#include "arch/tensor_spec.h"
#include "nn/lora.h"
#include "nn/tensor_map.h"

namespace t3 {

struct LoadOptions {
  c10::Device device = c10::kCPU;
  at::ScalarType dtype = at::kFloat;
  // Where it is set, the dtype of the tensor with this canonical name instead of `dtype`.
  std::function<at::ScalarType(const std::string& name)> dtype_for;
  // Where it is set and gives a tensor for this name and dtype, that one is filled in place of a
  // new one, on whatever device it is: weights that are to lie side by side, or in host memory.
  std::function<at::Tensor(const std::string& name, at::ScalarType dtype)> place;
  std::vector<LoraSpec> loras;  // merged in fp32, in this order, before the cast to the dtype
  bool check_finite = true;     // NaN or infinity in a weight is an Error that names it
  // Bytes of the file read so far and in all; may throw to stop.
  std::function<void(int64_t done, int64_t total)> progress;
};

// The tensors of `table` from `views`, each contiguous, in its own memory or its place. Before any
// data is read: Error listing missing, surplus and misshapen tensors, LoRA entries that match
// nothing or do not fit, and dtypes that are no weight's. Works tensor by tensor; beside the result
// it needs memory for a few of the largest pieces only (the whole tensor in fp32 where a LoRA or
// scale applies).
TensorMap LoadTensors(const NamedViews& views, const TensorTable& table, const Naming& naming,
                      const LoadOptions& options);

// One of them: scaled, merged and cast as LoadTensors does it, not checked for NaN.
at::Tensor LoadTensor(const NamedViews& views, const std::string& name, const LoraStack& loras,
                      const LoadOptions& options);

// Throws Error that names the weight `name` of `views` when it holds NaN or infinity.
void CheckFinite(const at::Tensor& weight, const NamedViews& views, const std::string& name);

// Throws the Error that LoadTensors would throw for the file itself. `views` by canonical name.
void CheckComplete(const NamedViews& views, const TensorTable& table, const std::string& network);

// torch's dtype for a stored one, and back. ToDType throws Error for dtypes that no file has.
at::ScalarType ToScalarType(DType dtype);
DType ToDType(at::ScalarType type);

// A stored tensor, any dtype, as a fresh CPU tensor of that dtype.
at::Tensor ToTensor(const TensorView& view);

}  // namespace t3
