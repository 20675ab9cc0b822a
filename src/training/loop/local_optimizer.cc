// AdamW by libtorch's fused and multi-tensor kernels, Muon by groups of matrices of one shape.
#include "training/loop/local_optimizer.h"

#include <ATen/ATen.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <c10/core/GradMode.h>

#include "base/check.h"
#include "training/loop/muon.h"

namespace t3 {

namespace {

bool IsMuon(const OptimizerConfig& config, const std::string& name, at::IntArrayRef shape) {
  return config.matrices == MatrixRule::kMuon && IsHiddenMatrix(name, shape);
}

}  // namespace

std::vector<std::string> StoredKinds(const OptimizerConfig& config, double ema,
                                     const std::string& name, at::IntArrayRef shape) {
  std::vector<std::string> kinds{"moment1"};
  if (!IsMuon(config, name, shape)) kinds.emplace_back("moment2");
  if (ema > 0) kinds.emplace_back("ema");
  return kinds;
}

void CheckState(const TensorMap& wanted, const TensorMap& state) {
  for (const auto& [name, tensor] : wanted) {
    const auto found = state.find(name);
    T3_CHECK(found != state.end(),
             "the tensor {} is missing; the checkpoint belongs to another model", name);
    T3_CHECK(found->second.sizes() == tensor.sizes(),
             "the tensor {} has shape ({}), wanted ({}); the checkpoint belongs to another model",
             name, fmt::join(found->second.sizes(), ", "), fmt::join(tensor.sizes(), ", "));
  }
  for (const auto& [name, tensor] : state) {
    T3_CHECK(wanted.contains(name), "the checkpoint has a tensor {} that this model does not",
             name);
  }
}

LocalOptimizer::LocalOptimizer(const OptimizerConfig& config, double ema, const TensorMap& leaves)
    : config_(config), ema_decay_(ema) {
  for (const auto& [name, leaf] : leaves) {
    T3_CHECK(leaf.is_leaf() && leaf.requires_grad() && leaf.scalar_type() == at::kFloat,
             "cannot train the weight {}: it is not an fp32 leaf", name);
    names_.push_back(name);
    leaves_.push_back(leaf);
    moments1_.push_back(at::zeros_like(leaf.detach()));
    const size_t index = leaves_.size() - 1;
    if (IsMuon(config, name, leaf.sizes())) {
      muon_[{leaf.size(0), leaf.numel() / leaf.size(0)}].push_back(index);
      moments2_.emplace_back();
    } else {
      adamw_.push_back(index);
      moments2_.push_back(at::zeros_like(leaf.detach()));
      steps_.push_back(at::zeros({}, leaf.detach().options()));
    }
    if (ema_decay_ > 0) ema_.push_back(leaf.detach().clone());
  }
  T3_CHECK(!leaves_.empty(), "there are no weights to train");
}

at::Tensor LocalOptimizer::GradientNorms() const {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (size_t i = 0; i < leaves_.size(); ++i) {
    T3_CHECK(leaves_[i].grad().defined(), "the weight {} has no gradient", names_[i]);
    gradients.push_back(leaves_[i].grad());
  }
  return at::stack(at::_foreach_norm(gradients));
}

void LocalOptimizer::ClipTo(double norm) {
  if (config_.clip <= 0 || norm <= config_.clip) return;
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& leaf : leaves_) gradients.push_back(leaf.grad());
  at::_foreach_mul_(gradients, at::Scalar(config_.clip / norm));
}

double LocalOptimizer::ClipGradients() {
  const double norm = GradientNorms().norm().item<double>();
  ClipTo(norm);
  return norm;
}

void LocalOptimizer::StepAdamW(double lr) {
  if (adamw_.empty()) return;
  std::vector<at::Tensor> leaves, gradients, moments1, moments2;
  for (const size_t i : adamw_) {
    leaves.push_back(leaves_[i]);
    gradients.push_back(leaves_[i].grad());
    moments1.push_back(moments1_[i]);
    moments2.push_back(moments2_[i]);
  }
  at::_foreach_add_(steps_, 1);
  at::_fused_adamw_(leaves, gradients, moments1, moments2, /*max_exp_avg_sqs=*/{}, steps_, lr,
                    config_.beta1, config_.beta2, config_.weight_decay, config_.eps,
                    /*amsgrad=*/false, /*maximize=*/false);
}

void LocalOptimizer::Step(double lr) {
  const c10::NoGradGuard no_grad;
  StepAdamW(lr);
  for (const auto& [shape, indices] : muon_) {
    std::vector<at::Tensor> leaves, momenta;
    for (const size_t i : indices) {
      leaves.push_back(leaves_[i]);
      momenta.push_back(moments1_[i]);
    }
    MuonStep(leaves, momenta, lr, config_.momentum, config_.weight_decay);
  }
  if (ema_decay_ > 0) at::_foreach_lerp_(ema_, leaves_, 1 - ema_decay_);
  for (at::Tensor& leaf : leaves_) leaf.mutable_grad().reset();
}

TensorMap LocalOptimizer::EmaWeights() const {
  TensorMap weights;
  for (size_t i = 0; i < names_.size(); ++i) {
    weights[names_[i]] = ema_decay_ > 0 ? ema_[i] : leaves_[i].detach();
  }
  return weights;
}

TensorMap LocalOptimizer::State() const {
  TensorMap state;
  for (size_t i = 0; i < names_.size(); ++i) {
    state["weight." + names_[i]] = leaves_[i].detach();
    state["moment1." + names_[i]] = moments1_[i];
    if (moments2_[i].defined()) state["moment2." + names_[i]] = moments2_[i];
    if (ema_decay_ > 0) state["ema." + names_[i]] = ema_[i];
  }
  return state;
}

void LocalOptimizer::Restore(const TensorMap& state, int64_t steps) {
  const c10::NoGradGuard no_grad;
  const TensorMap current = State();
  CheckState(current, state);
  for (const auto& [name, tensor] : current) tensor.copy_(state.at(name));
  for (const at::Tensor& step : steps_) step.fill_(static_cast<double>(steps));
}

}  // namespace t3
