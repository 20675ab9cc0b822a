// Convolutions of one shape by cuDNN, with the choice of its plans left to the caller.
#pragma once

#include <array>
#include <compare>
#include <memory>
#include <string>
#include <vector>

#include "kernels/types.h"

namespace t3::kernels {

// What a plan depends on. Elements are bf16, products are summed in fp32. Memory is channels-last
// and contiguous: x (frames,rows,columns,in), weight (out,kernel...,in), y (frames',rows',columns',
// out). Frames are a batch where the kernel has one frame.
struct ConvolutionShape {
  std::array<int64_t, 3> x;  // frames, rows, columns
  std::array<int64_t, 3> kernel;
  std::array<int64_t, 3> padding;
  std::array<int64_t, 3> stride;
  int64_t in;   // channels
  int64_t out;  // channels

  auto operator<=>(const ConvolutionShape&) const = default;

  std::array<int64_t, 3> Made() const {  // frames', rows', columns'
    std::array<int64_t, 3> made{};
    for (size_t i = 0; i < 3; ++i) made[i] = (x[i] + 2 * padding[i] - kernel[i]) / stride[i] + 1;
    return made;
  }
};

struct ConvolutionArgs {
  const void* x;
  const void* weight;
  void* y;
  void* workspace;  // WorkspaceBytes() of the plan
};

// cuDNN's plans for one shape on the current GPU, its best guess first.
class ConvolutionPlans {
 public:
  virtual ~ConvolutionPlans() = default;

  // Engine and knobs of each plan, which name it for one version of cuDNN.
  virtual const std::vector<std::string>& Names() const = 0;
  // Makes a plan ready, once. False: cuDNN refuses it, or it wants too large a workspace.
  virtual bool Build(size_t plan) = 0;
  // Of a plan that was built.
  virtual int64_t WorkspaceBytes(size_t plan) const = 0;
  // Starts it on the stream. False: cuDNN refuses it; y is undefined then.
  virtual bool Run(size_t plan, const ConvolutionArgs& args, Stream stream) = 0;
  // What cuDNN said last where something was refused.
  virtual const std::string& Refusal() const = 0;
};

// Null where cuDNN has no plan, and in builds without it.
std::unique_ptr<ConvolutionPlans> FindConvolutionPlans(const ConvolutionShape& shape,
                                                       int64_t most_workspace_bytes);

// The GPU's name and cuDNN's version, for which a choice of plans holds; "" in builds without it.
std::string ConvolutionMachine(int device);

}  // namespace t3::kernels
