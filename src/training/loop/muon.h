// Muon: updates of matrices along the orthogonal matrix nearest to their momentum.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace t3 {

// g (N,rows,columns) -> U V^T for each g = U S V^T, approximately: five Newton-Schulz iterations
// bring singular values to 0.7 to 1.2, which works as well as 1. Source: Jordan et al., "Muon",
// 2024.
at::Tensor Orthogonalize(const at::Tensor& g);

// Whether Muon applies: flattened to (first dimension, all others), the weight is a matrix between
// hidden states with at least 16 rows and columns. Token tables are not: their rows share no scale.
bool IsHiddenMatrix(const std::string& name, at::IntArrayRef shape);

// One step for leaves that flatten to matrices of one shape: decay by lr * weight_decay, Nesterov
// momentum `mu`, and updates with a root mean square of 0.2 lr, as AdamW's have, so that both share
// a learning rate.
void MuonStep(const std::vector<at::Tensor>& leaves, const std::vector<at::Tensor>& momenta,
              double lr, double mu, double weight_decay);

}  // namespace t3
