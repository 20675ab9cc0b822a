// Comparison of convolutions with their reference, for benchmarks and tests.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <mutex>
#include <string>

#include "kernels/convolution.h"
#include "t3video/convolution_counts.h"

namespace t3 {

// While one exists (one at a time), the result of every convolution by a cuDNN plan or a custom
// kernel is compared with libtorch's: slow.
class ConvolutionChecker {
 public:
  ConvolutionChecker();
  ~ConvolutionChecker();
  ConvolutionChecker(const ConvolutionChecker&) = delete;
  ConvolutionChecker& operator=(const ConvolutionChecker&) = delete;

  // The one that exists, or nullptr.
  static ConvolutionChecker* Current();

  // Compares y, computed by `plan`, with the reference; logs shape and plan if it is wrong.
  void Check(const kernels::ConvolutionShape& shape, const std::string& plan, const at::Tensor& y,
             const at::Tensor& reference);
  ConvolutionCheck result() const;

 private:
  mutable std::mutex mutex_;
  ConvolutionCheck result_;
};

}  // namespace t3
