// DOVER's heads and fusion.
#include "models/dover/dover.h"

#include <ATen/ATen.h>

#include <cmath>

namespace t3 {
namespace {

// Mean and deviation of the branches' outputs on the authors' data, and their weights.
constexpr double kTechnicalMean = 0.1107, kTechnicalStd = 0.07355, kTechnicalWeight = 0.6104;
constexpr double kAestheticMean = -0.08285, kAestheticStd = 0.03774, kAestheticWeight = 0.3896;

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

DoverScores FuseDover(double technical, double aesthetic) {
  const double t = (technical - kTechnicalMean) / kTechnicalStd;
  const double a = (aesthetic - kAestheticMean) / kAestheticStd;
  return {Sigmoid(t), Sigmoid(a), Sigmoid(t * kTechnicalWeight + a * kAestheticWeight)};
}

// The file has them as convolutions of one place.
Dover::Head Dover::MakeHead(const TensorMap& tensors, const std::string& prefix) {
  const auto layer = [&](const std::string& name) {
    Linear linear(tensors, prefix + name);
    linear.weight = linear.weight.flatten(1);
    return linear;
  };
  return {layer(".fc_hid"), layer(".fc_last")};
}

double Dover::Head::Run(const at::Tensor& features) const {
  const at::Tensor rows = features.flatten(1).t();
  return last(at::gelu(hidden(rows))).mean().item<double>();
}

Dover::Dover(const DoverConfig& config, const TensorMap& tensors)
    : swin_(config, tensors),
      conv_next_(config, tensors),
      technical_(MakeHead(tensors, "technical_head")),
      aesthetic_(MakeHead(tensors, "aesthetic_head")),
      device_(technical_.last.weight.device()) {}

double Dover::Technical(const at::Tensor& view) const {
  return technical_.Run(swin_.Run(view.to(device_)));
}

double Dover::Aesthetic(const at::Tensor& view) const {
  return aesthetic_.Run(conv_next_.Run(view.to(device_)));
}

DoverScores Dover::Score(const DoverViews& views) const {
  double technical = 0;
  for (int64_t part = 0; part < kDoverClips; ++part) technical += Technical(views.Technical(part));
  return FuseDover(technical / static_cast<double>(kDoverClips), Aesthetic(views.Aesthetic()));
}

}  // namespace t3
