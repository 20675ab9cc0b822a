// UniPC's predictor and corrector, in the notation of the paper (arXiv 2302.04867): lambda is half
// the log of the signal-to-noise ratio, h its increase over a step, r the position of an older
// step.
#include "sampling/unipc.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace t3 {
namespace {

constexpr int64_t kMaxOrder = 2;
constexpr const char* kSampleName = "unipc.sample";
constexpr const char* kPredictionName = "unipc.prediction";
constexpr const char* kOlderName = "unipc.older_prediction";

// Weights of the two differences in the corrector of order 2: they make it exact for predictions
// that are quadratic in lambda.
struct CorrectorWeights {
  double older;
  double newer;
};

CorrectorWeights SolveCorrector(double h, double r) {
  const double b = std::expm1(-h);
  const double g1 = b / -h - 1;
  const double g2 = g1 / -h - 0.5;
  const double older = (2 * g2 / b - g1 / b) / (r - 1);
  return {older, g1 / b - older};
}

at::Tensor StateTensor(const std::map<std::string, at::Tensor>& state, const char* name) {
  const auto found = state.find(name);
  T3_CHECK(found != state.end(), "the solver's state has no {}; the checkpoint is incomplete",
           name);
  return found->second.to(at::kFloat);
}

}  // namespace

UniPc::UniPc(std::vector<double> sigmas) : sigmas_(std::move(sigmas)) {}

double UniPc::Lambda(int64_t i) const {
  const double sigma = Sigma(i);
  if (sigma == 0) return std::numeric_limits<double>::infinity();
  return std::log((1 - sigma) / sigma);
}

// Order of the predictor from level i: limited by the number of earlier steps; the last step has
// order 1.
int64_t UniPc::Order(int64_t i) const { return std::min({kMaxOrder, steps() - i, i + 1}); }

// The latents at level i again, from level i - 1, now that the prediction at i is known.
at::Tensor UniPc::Correct(int64_t i, const at::Tensor& prediction) const {
  const double h = Lambda(i) - Lambda(i - 1);
  const at::Tensor newer = prediction - prediction_;
  at::Tensor change;
  if (Order(i - 1) == 1) {
    change = newer * 0.5;
  } else {
    const double r = (Lambda(i - 2) - Lambda(i - 1)) / h;
    const CorrectorWeights weights = SolveCorrector(h, r);
    change = (older_prediction_ - prediction_) * (weights.older / r) + newer * weights.newer;
  }
  const double b = (1 - Sigma(i)) * std::expm1(-h);
  return sample_ * (Sigma(i) / Sigma(i - 1)) - (prediction_ + change) * b;
}

at::Tensor UniPc::Predict(int64_t i, const at::Tensor& sample, const at::Tensor& prediction) const {
  const double h = Lambda(i + 1) - Lambda(i);
  at::Tensor extrapolated = prediction;
  if (Order(i) == 2) {
    const double r = (Lambda(i - 1) - Lambda(i)) / h;
    extrapolated = prediction + (prediction_ - prediction) * (0.5 / r);
  }
  const double b = (1 - Sigma(i + 1)) * std::expm1(-h);
  return sample * (Sigma(i + 1) / Sigma(i)) - extrapolated * b;
}

at::Tensor UniPc::Step(int64_t i, const at::Tensor& x, const at::Tensor& velocity) {
  const at::Tensor latents = x.to(at::kFloat);
  const at::Tensor prediction = latents - velocity.to(at::kFloat) * Sigma(i);
  // A copy at the start: the caller may change x in place.
  sample_ = i == 0 ? latents.clone() : Correct(i, prediction);
  at::Tensor next = Predict(i, sample_, prediction);
  older_prediction_ = prediction_;
  prediction_ = prediction;
  return next;
}

std::map<std::string, at::Tensor> UniPc::State() const {
  std::map<std::string, at::Tensor> state;
  if (sample_.defined()) state[kSampleName] = sample_;
  if (prediction_.defined()) state[kPredictionName] = prediction_;
  if (older_prediction_.defined()) state[kOlderName] = older_prediction_;
  return state;
}

void UniPc::Restore(int64_t next_step, const std::map<std::string, at::Tensor>& state) {
  sample_ = next_step > 0 ? StateTensor(state, kSampleName) : at::Tensor();
  prediction_ = next_step > 0 ? StateTensor(state, kPredictionName) : at::Tensor();
  older_prediction_ = next_step > 1 ? StateTensor(state, kOlderName) : at::Tensor();
}

}  // namespace t3
