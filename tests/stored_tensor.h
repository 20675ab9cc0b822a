// Stored tensors for tests of folders that do not see the loader in src/nn.
#pragma once

#include <ATen/ATen.h>

#include <cstring>
#include <string>

#include "base/check.h"
#include "weights/weight_file.h"

namespace t3 {

// A tensor stored as fp32 or int64, copied.
inline at::Tensor ReadStored(const WeightFile& file, const std::string& name) {
  const TensorView& view = file.tensors().at(name);
  T3_CHECK(view.dtype == DType::kF32 || view.dtype == DType::kI64, "{} is {}; wanted F32 or I64",
           name, DTypeName(view.dtype));
  const at::ScalarType dtype = view.dtype == DType::kF32 ? at::kFloat : at::kLong;
  at::Tensor tensor = at::empty(view.shape, dtype);
  std::memcpy(tensor.mutable_data_ptr(), view.data, static_cast<size_t>(view.bytes));
  return tensor;
}

}  // namespace t3
