// How many algorithms cuDNN may time for a convolution before it keeps one.
#pragma once

#include <ATen/Context.h>

#include <cstdint>

namespace t3 {

// While it lives, cuDNN times up to `choices` algorithms for each new shape and keeps the fastest;
// 0: it takes what its rules say, at once.
class CudnnChoices {
 public:
  explicit CudnnChoices(int64_t choices) : context_(at::globalContext()) {
    old_benchmark_ = context_.benchmarkCuDNN();
    old_limit_ = context_.benchmarkLimitCuDNN();
    context_.setBenchmarkCuDNN(choices > 0);
    if (choices > 0) context_.setBenchmarkLimitCuDNN(static_cast<int>(choices));
  }
  ~CudnnChoices() {
    context_.setBenchmarkCuDNN(old_benchmark_);
    context_.setBenchmarkLimitCuDNN(old_limit_);
  }
  CudnnChoices(const CudnnChoices&) = delete;
  CudnnChoices& operator=(const CudnnChoices&) = delete;

 private:
  at::Context& context_;
  bool old_benchmark_;
  int old_limit_;
};

}  // namespace t3
