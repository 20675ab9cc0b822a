// Trains and evaluates the critic.
#include "training/distill/critic.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "base/check.h"
#include "training/distill/captioned_dit.h"
#include "training/distill/score.h"

namespace t3 {
namespace {

constexpr const char* kWatch = "watch";
constexpr double kRunning = 0.95;  // decay of the running mean

OptimizerConfig CriticRate(const DistillConfig& config) {
  OptimizerConfig rate = config.optimizer;
  rate.lr = config.critic.lr;
  return rate;
}

}  // namespace

void DivergenceWatch::Add(double loss) {
  T3_CHECK(std::isfinite(loss),
           "the critic's loss is not finite; try a lower \"critic\": {{\"lr\"}} or optimizer.lr, "
           "the rate of the student, whose samples the critic learns");
  mean_ = values_ == 0 ? loss : kRunning * mean_ + (1 - kRunning) * loss;
  lowest_ = values_ == 0 ? mean_ : std::min(lowest_, mean_);
  suspects_ = std::max(loss, mean_) > factor_ * lowest_;
  ++values_;
  T3_CHECK(
      values_ < kWarmUp || mean_ <= factor_ * lowest_,
      "the critic diverges: its running loss is {:.4g} after {:.4g} at its lowest; try a lower "
      "\"critic\": {{\"lr\"}} or optimizer.lr",
      mean_, lowest_);
}

at::Tensor DivergenceWatch::State() const {
  return at::tensor({mean_, lowest_, static_cast<double>(values_)}, at::kDouble);
}

void DivergenceWatch::Restore(const at::Tensor& state) {
  mean_ = state[0].item<double>();
  lowest_ = state[1].item<double>();
  values_ = static_cast<int64_t>(state[2].item<double>());
}

Critic::Critic(DistillNetworks& networks)
    : networks_(networks),
      network_(networks.teacher_model.model, networks.config.critic.lora, networks.teacher_weights,
               networks.config.seed, networks.dtype, networks.device),
      attention_(networks.TeacherAttention()),
      rate_(CriticRate(networks.config)),
      optimizer_(rate_, /*ema=*/0, network_.leaves()),
      watch_(networks.config.critic.divergence) {}

at::Tensor Critic::Loss(const CaptionedDit& network, const Example& example) {
  const ScoredBatch batch = AddScoreNoise(example.samples, networks_.config.score, example.random);
  const at::Tensor velocity = network.Velocity(batch.noisy, batch.timesteps,
                                               attention_.For(batch.noisy), networks_.runners);
  return CriticLoss(batch, example.samples, velocity);
}

void Critic::Update(int64_t step, const std::function<Example(int64_t micro)>& sample) {
  const DistillConfig& config = networks_.config;
  const double scale = 1.0 / static_cast<double>(config.accumulation);
  loss_ = 0;
  for (int64_t micro = 0; micro < config.accumulation; ++micro) {
    if (!networks_.share->Has(micro)) continue;
    const Example example = sample(micro);
    // Recomputed segments use both again in the backward pass.
    const Dit dit = network_.Model(network_.leaves());
    const CaptionedDit captioned(dit, example.texts);
    const at::Tensor loss = Loss(captioned, example);
    (loss * scale).backward();
    loss_ += scale * loss.item<double>();
  }
  loss_ = networks_.share->SumOf(loss_);
  for (const auto& [name, leaf] : network_.leaves()) networks_.share->Sum(leaf.grad());
  watch_.Add(loss_);
  norm_ = optimizer_.ClipGradients();
  T3_CHECK(std::isfinite(norm_),
           "the critic's gradient norm is not finite; try a lower \"critic\": {{\"lr\"}} or "
           "optimizer.lr, the rate of the student, whose samples the critic learns");
  optimizer_.Step(LearningRate(rate_, config.schedule, step, config.steps));
}

at::Tensor Critic::Velocity(const at::Tensor& x, const std::vector<double>& timesteps,
                            const std::vector<at::Tensor>& texts) {
  const c10::NoGradGuard no_grad;
  const Dit dit = network_.Model(network_.leaves());
  return CaptionedDit(dit, texts).Velocity(x, timesteps, attention_.For(x));
}

void Critic::MoveToward(const TensorMap& student, double share) {
  const c10::NoGradGuard no_grad;
  for (const auto& [name, leaf] : network_.leaves()) {
    const at::Tensor weight = leaf.detach();
    weight.lerp_(GetTensor(student, name).detach(), share);
  }
}

TensorMap Critic::State() const {
  TensorMap state = optimizer_.State();
  state[kWatch] = watch_.State();
  return state;
}

void Critic::Restore(const TensorMap& state, int64_t updates) {
  TensorMap weights = state;
  watch_.Restore(GetTensor(state, kWatch));
  weights.erase(kWatch);
  optimizer_.Restore(weights, updates);
}

}  // namespace t3
