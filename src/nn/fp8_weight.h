// Weights as e4m3 codes with a scale per output channel.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "arch/naming.h"

namespace t3 {

struct Fp8Weight {
  at::Tensor codes;  // (out, in) float8_e4m3fn
  at::Tensor scale;  // (out) fp32: a weight is its code times this
};

// A weight (out, in), any float dtype, quantised (ops/fp8/quantise.h).
Fp8Weight QuantiseWeight(const at::Tensor& weight);

// Whether a file has the matrix `name` as StoredFp8Weight reads it.
bool HasFp8Weight(const NamedViews& views, const std::string& name);

// The codes of a file that has the matrix `name` so: e4m3, without a scale, with one, or with one
// per row. nullopt for other forms.
std::optional<Fp8Weight> StoredFp8Weight(const NamedViews& views, const std::string& name,
                                         at::Device device);

}  // namespace t3
