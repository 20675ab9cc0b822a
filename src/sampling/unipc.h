// The UniPC solver in the form that Wan uses: B(h) = e^h - 1 ("bh2"), order 2, predicting the
// video.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace t3 {

// Advances latents from level to level with one evaluation of the denoiser per step, which first
// corrects the previous step. Works in fp32 on the latents' device.
class UniPc {
 public:
  // `sigmas` as in Schedule.
  explicit UniPc(std::vector<double> sigmas);

  // x at level i and its velocity -> x at level i + 1, fp32. Steps are taken in order.
  at::Tensor Step(int64_t i, const at::Tensor& x, const at::Tensor& velocity);

  // See Solver.
  std::map<std::string, at::Tensor> State() const;
  void Restore(int64_t next_step, const std::map<std::string, at::Tensor>& state);

 private:
  int64_t steps() const { return static_cast<int64_t>(sigmas_.size()) - 1; }
  double Sigma(int64_t i) const { return sigmas_[static_cast<size_t>(i)]; }
  double Lambda(int64_t i) const;
  int64_t Order(int64_t i) const;
  at::Tensor Correct(int64_t i, const at::Tensor& prediction) const;
  at::Tensor Predict(int64_t i, const at::Tensor& sample, const at::Tensor& prediction) const;

  std::vector<double> sigmas_;
  at::Tensor sample_;            // corrected latents at the last step's level
  at::Tensor prediction_;        // of the clean video, by the last step
  at::Tensor older_prediction_;  // by the step before
};

}  // namespace t3
