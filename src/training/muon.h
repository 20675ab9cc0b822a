// Muon: steps of matrices along the nearest orthogonal matrix of their averaged gradient.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace t3 {

// g (N,rows,columns) -> for each the matrix U V^T of g = U S V^T, roughly: five Newton-Schulz
// steps bring singular values to 0.7 to 1.2, which serves as well as 1. Source: Jordan et al.,
// "Muon", 2024.
at::Tensor Orthogonalize(const at::Tensor& g);

// Whether `weight` is what Muon is for: seen as (first dimension, all others) a matrix of at least
// 16 rows and columns that maps hidden states; no table of tokens, where rows have no common scale.
bool IsHiddenMatrix(const std::string& name, const at::Tensor& weight);

// Moves leaves (any shape, flattened to matrices) that all have the same number of elements and of
// rows by one step: decay by lr * weight_decay, momentum `mu` with Nesterov's look ahead, and
// updates of 0.2 root mean square, as AdamW's, so that one learning rate serves both.
void MuonStep(const std::vector<at::Tensor>& leaves, const std::vector<at::Tensor>& momenta,
              double lr, double mu, double weight_decay);

}  // namespace t3
