// Counts and logs differences.
#include "ops/conv/convolution_checker.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <atomic>

#include "base/check.h"
#include "base/log.h"
#include "ops/conv/convolution_shape.h"

namespace t3 {
namespace {

// L2, relative. Rounding to 8 bits moves values by at most 2^-8 / sqrt(3) of their power of two,
// 1.7e-3 of themselves on average over a binade; two results that round independently are 2.4e-3
// apart. The order of fp32 sums matters far less.
constexpr double kMaxConvolutionDifference = 3e-3;

std::atomic<ConvolutionChecker*> current_checker = nullptr;

}  // namespace

ConvolutionChecker::ConvolutionChecker() {
  T3_CHECK(current_checker == nullptr, "ConvolutionChecker: another one exists");
  current_checker = this;
}

ConvolutionChecker::~ConvolutionChecker() { current_checker = nullptr; }

ConvolutionChecker* ConvolutionChecker::Current() { return current_checker; }

void ConvolutionChecker::Check(const kernels::ConvolutionShape& shape, const std::string& plan,
                               const at::Tensor& y, const at::Tensor& reference) {
  const auto norm = [](const at::Tensor& x) {
    return at::linalg_vector_norm(x, 2, {}, false, at::kFloat).item<double>();
  };
  const double difference = norm(y - reference) / std::max(norm(reference), 1e-30);
  const bool right = difference < kMaxConvolutionDifference;  // NaN is wrong
  if (!right) {
    spdlog::error("{}: {} is {:.2g} from libtorch's convolution", ConvolutionName(shape), plan,
                  difference);
  }
  const std::lock_guard lock(mutex_);
  ++result_.checked;
  if (!right) ++result_.wrong;
  result_.difference = std::max(result_.difference, difference);
}

ConvolutionCheck ConvolutionChecker::result() const {
  const std::lock_guard lock(mutex_);
  return result_;
}

}  // namespace t3
