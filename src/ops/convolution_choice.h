// Which of cuDNN's plans a convolution takes: the one that a table names, else the fastest of the
// first few, found on the way, else cuDNN's first.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>

#include "kernels/convolution.h"

namespace t3 {

// Shape and machine -> name of the plan; strings that are compared, never read.
using ConvolutionTable = std::map<std::string, std::string>;

struct ConvolutionSettings {
  ConvolutionTable table;
  // Of a shape without an entry so many of cuDNN's first choices are timed; 1: its first is taken,
  // 0: libtorch convolves, neither the table nor own kernels are used.
  int64_t choices = 4;
};

// From now on, for the process; what was chosen before is forgotten.
void SetConvolutionSettings(ConvolutionSettings settings);

// What timing has found since then and was not taken before. Ends timing that is under way with the
// best so far.
ConvolutionTable TakeFoundPlans();

// How many shapes were convolved how since the settings.
struct ConvolutionCounts {
  int64_t own = 0;  // this program's kernel (ops/causal_convolution.h)
  int64_t from_table = 0;
  int64_t timed = 0;      // the fastest of several
  int64_t first = 0;      // cuDNN's first choice: rare shapes, or one choice allowed
  int64_t libtorch = 0;   // cuDNN's plans were refused
  int64_t stale = 0;      // entries of the table that name no plan; counted above as well
  int64_t checked = 0;    // results compared with libtorch's
  int64_t wrong = 0;      // of these, further off than bf16 rounds
  double difference = 0;  // the largest, relative (L2)
};
ConvolutionCounts CountConvolutions();

// Whether the settings leave convolutions to others than libtorch.
bool ConvolutionKernelsAllowed();
// For CountConvolutions.
void CountOwnConvolution(const kernels::ConvolutionShape& shape);

// y = convolution of x by the plan of this shape. False where cuDNN has none.
//
// Timing costs no run of its own: a shape that has come a few times is convolved by one candidate
// after the other, each twice, and its results are used. So the first run is slowed by what slower
// candidates take, and results of one shape may differ in their rounding from call to call.
bool RunChosenPlan(const kernels::ConvolutionShape& shape, const at::Tensor& x,
                   const at::Tensor& weight, const at::Tensor& y);

// Whether each result is compared with libtorch's (slow; for benchmarks and tests).
void CheckConvolutions(bool on);
bool ConvolutionsAreChecked();
// Counts, and logs shape and plan where y is further from `want` than bf16 rounds.
void CheckConvolution(const kernels::ConvolutionShape& shape, const at::Tensor& y,
                      const at::Tensor& want);

}  // namespace t3
