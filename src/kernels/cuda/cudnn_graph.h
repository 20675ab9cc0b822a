// From a graph of cuDNN's front end to its plans.
#pragma once

#include <cudnn_frontend.h>

#include <cstdint>
#include <memory>

namespace t3::kernels {

class CudnnPlans;

// The graph's tensors have uids 1, 2, ... in the order in which CudnnPlans::Launch takes them. Null
// if cuDNN has no plan for the graph on the current GPU.
std::unique_ptr<CudnnPlans> FindCudnnPlans(std::unique_ptr<cudnn_frontend::graph::Graph> graph,
                                           int64_t max_workspace_bytes);

}  // namespace t3::kernels
