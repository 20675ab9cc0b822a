// Convolutions by cuDNN's plans: the one that a table names, else the fastest of the first few
// (ops/autotuner.h), else cuDNN's first. Settings and counts are those of the process.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>

#include "kernels/convolution.h"
#include "ops/plan_table.h"
#include "t3video/convolution_counts.h"

namespace t3 {

struct ConvolutionSettings {
  // For a shape without an entry in the process's table of plans (ops/plan_table.h), so many of
  // cuDNN's first plans are timed. 1: its first is used. 0: libtorch convolves, and neither the
  // table nor custom kernels are used.
  int64_t choices = 4;
  // A shape without an entry takes the plan of the entry that differs from it in rows alone, and in
  // these by the least, before any is timed. Slabs and the parts of ranks have heights of their
  // own, each of which comes too rarely for timing to pay.
  bool of_nearest_rows = false;
};

// The name of the plan that a table has for a shape on a machine; "" where it has none.
std::string ConvolutionPlanIn(const PlanTable& table, const std::string& machine,
                              kernels::ConvolutionShape shape, bool of_nearest_rows);

// From now on, for the process; earlier choices are forgotten.
void SetConvolutionSettings(ConvolutionSettings settings);

// Whether the settings allow convolutions other than libtorch's.
bool ConvolutionKernelsAllowed();

// Ends timing that is under way with the fastest so far.
void FinishConvolutionTuning();

// How many shapes were convolved how since SetConvolutionSettings.
ConvolutionCounts CountConvolutions();
// Counts a shape of the custom kernel.
void CountCustomConvolution(const kernels::ConvolutionShape& shape);

// y = convolution of x by a plan of this shape. Returns the plan's name; nothing if cuDNN has none.
std::optional<std::string> RunConvolutionPlan(const kernels::ConvolutionShape& shape,
                                              const at::Tensor& x, const at::Tensor& weight,
                                              const at::Tensor& y);

}  // namespace t3
