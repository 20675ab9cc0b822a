// Loads the tensors of a network from an opened file to its device.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "arch/naming.h"
#include "arch/tensor_spec.h"
#include "nn/fp8_weight.h"
#include "nn/lora.h"
#include "nn/stored_tensor.h"
#include "nn/tensor_map.h"

namespace t3 {

struct LoadOptions {
  c10::Device device = c10::kCPU;
  at::ScalarType dtype = at::kFloat;
  // If set, the dtype of the tensor with this canonical name, in place of `dtype`. float8_e4m3fn of
  // a matrix "X.weight": codes, and their scales as "X.weight_scale" (nn/fp8_weight.h), those of
  // the file where it has such and no LoRA changes them.
  std::function<at::ScalarType(const std::string& name)> dtype_for;
  // If set and the result is defined, the tensor to fill, on any device: for weights that are to be
  // adjacent in memory, or in host memory.
  std::function<at::Tensor(const std::string& name, at::ScalarType dtype)> place;
  std::vector<LoraSpec> loras;  // merged in fp32, in this order, before the cast to the dtype
  bool check_finite = true;     // throw Error for a weight with NaN or infinity
  // Bytes of the file read so far and in total; may throw to stop.
  std::function<void(int64_t done, int64_t total)> progress;
};

// The tensors of `table` from `views`, each contiguous, in memory of its own or in its place.
// Before any data is read, throws Error that lists missing, surplus and misshapen tensors, scales
// and LoRA entries that match no tensor or do not fit, and dtypes that hold no weights: wanted is
// floating point, ggml's blocks, or int8 with a scale.
// Loads tensor by tensor: beside the result it needs memory for one chunk (the whole tensor in fp32
// if a LoRA or a scale applies).
TensorMap LoadTensors(const NamedViews& views, const TensorTable& table, const Naming& naming,
                      const LoadOptions& options);

// One of them: scaled, merged and cast as LoadTensors does it, not checked for NaN or infinity.
at::Tensor LoadTensor(const NamedViews& views, const std::string& name, const LoraStack& loras,
                      const LoadOptions& options);

// The codes and scales of the matrix `name` (LoadOptions::dtype_for), in their places if they have
// such; checked if options.check_finite.
Fp8Weight LoadFp8Weight(const NamedViews& views, const std::string& name, const LoraStack& loras,
                        const LoadOptions& options);

// Throws Error that names the weight `name` of `views` if `weight`, loaded from it, has NaN or
// infinity; distinguishes a damaged file from values beyond the range of the weight's dtype.
void CheckFinite(const at::Tensor& weight, const NamedViews& views, const std::string& name);

// Throws the Error that LoadTensors would throw for the file itself. `views` by canonical name.
void CheckComplete(const NamedViews& views, const TensorTable& table, const std::string& network);

// The narrowest dtype that represents the file's weights exactly: bf16 or fp16 if every tensor of
// `table` that may be narrower than fp32 is stored so without a scale, else fp32.
at::ScalarType StoredType(const NamedViews& views, const TensorTable& table);

}  // namespace t3
