// Muon over batches of matrices of one shape.
#include "training/loop/muon.h"

#include <ATen/ATen.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <c10/util/accumulate.h>

#include <algorithm>
#include <cmath>

namespace t3 {

at::Tensor Orthogonalize(const at::Tensor& g) {
  // The quintic x -> a x + b x^3 + c x^5, steep at 0 so that small singular values grow fast.
  constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315, kTiny = 1e-7;
  constexpr int kIterations = 5;
  const bool tall = g.size(1) > g.size(2);
  at::Tensor x = tall ? g.transpose(1, 2) : g;
  x = x / (x.norm(2, {1, 2}, true) + kTiny);
  for (int i = 0; i < kIterations; ++i) {
    const at::Tensor gram = x.bmm(x.transpose(1, 2));
    const at::Tensor mixed = at::baddbmm(gram, gram, gram, kB, kC);
    x = at::baddbmm(x, mixed, x, kA, 1);
  }
  return tall ? x.transpose(1, 2) : x;
}

bool IsHiddenMatrix(const std::string& name, at::IntArrayRef shape) {
  constexpr int64_t kMin = 16;
  if (shape.size() < 2 || name.find("token_embedding") != std::string::npos) return false;
  return std::min(shape[0], c10::multiply_integers(shape.slice(1))) >= kMin;
}

void MuonStep(const std::vector<at::Tensor>& leaves, const std::vector<at::Tensor>& momenta,
              double lr, double mu, double weight_decay) {
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& leaf : leaves) gradients.push_back(leaf.grad());
  at::_foreach_mul_(momenta, mu);
  at::_foreach_add_(momenta, gradients);
  std::vector<at::Tensor> ahead;
  for (size_t i = 0; i < leaves.size(); ++i) {
    ahead.push_back(gradients[i].add(momenta[i], mu).flatten(1));
  }
  const at::Tensor g = at::stack(ahead);
  const auto longest = static_cast<double>(std::max(g.size(1), g.size(2)));
  const at::Tensor update = Orthogonalize(g) * (-lr * 0.2 * std::sqrt(longest));
  at::_foreach_mul_(leaves, 1 - lr * weight_decay);
  for (size_t i = 0; i < leaves.size(); ++i) {
    leaves[i].add_(update[static_cast<int64_t>(i)].view(leaves[i].sizes()));
  }
}

}  // namespace t3
