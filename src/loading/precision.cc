// The dtypes of arithmetic and of stored weights.
#include "loading/precision.h"

#include <algorithm>

#include "arch/dit.h"
#include "arch/text_encoder.h"
#include "nn/fp8_weight.h"
#include "nn/load.h"
#include "runtime/device.h"

namespace t3 {
namespace {

constexpr int64_t kFloatBytes = 4;
// Smaller networks are loaded in fp32: conversion at every run would save no memory that matters.
constexpr int64_t kSmallBytes = 2'000'000'000;

Precision PrecisionOf(const NamedViews& views, const TensorTable& table, bool merged,
                      at::ScalarType dtype, bool on_gpu) {
  if (dtype == at::kFloat8_e4m3fn) dtype = at::kBFloat16;
  const at::ScalarType compute = ArithmeticDtype(dtype, on_gpu);
  if (on_gpu || compute != at::kFloat) return {compute, compute};
  if (dtype != compute) return {compute, dtype};
  if (merged || WeightBytes(table, kFloatBytes) < kSmallBytes) return {compute, compute};
  return {compute, StoredType(views, table)};
}

}  // namespace

Precision DitPrecision(const ModelInfo& model, at::ScalarType dtype, bool on_gpu) {
  Precision precision =
      PrecisionOf(model.dit_views, DitTensors(model.dit), !model.loras.empty(), dtype, on_gpu);
  precision.fp8 = dtype == at::kFloat8_e4m3fn;
  return precision;
}

Precision TextEncoderPrecision(const ModelInfo& model, at::ScalarType dtype, bool on_gpu) {
  const TensorTable table = TextEncoderTensors(model.text.value());
  Precision precision = PrecisionOf(model.text_views, table, false, dtype, on_gpu);
  // Codes of a file take half the memory of bf16, and give the same bits.
  precision.fp8 = std::ranges::all_of(table, [&](const TensorSpec& spec) {
    return !IsFp8TextWeight(spec.name) || (model.text_views.tensors.contains(spec.name) &&
                                           HasFp8Weight(model.text_views, spec.name));
  });
  return precision;
}

at::ScalarType ClipEncoderDtype(at::ScalarType dtype, bool on_gpu) {
  return on_gpu ? ArithmeticDtype(dtype, on_gpu) : at::kFloat;
}

}  // namespace t3
