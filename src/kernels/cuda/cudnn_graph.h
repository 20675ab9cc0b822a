// cuDNN's plans for one graph of operations, by the header-only front end.
#pragma once

#include <cudnn_frontend.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "kernels/types.h"

namespace t3::kernels {

class CudnnGraph {
 public:
  using Tensors = std::unordered_map<int64_t, void*>;  // by uid

  explicit CudnnGraph(std::unique_ptr<cudnn_frontend::graph::Graph> graph)
      : graph_(std::move(graph)) {}

  // False: cuDNN has no plan for the graph on the current GPU.
  bool Find(int64_t most_workspace_bytes);
  // Engine and knobs of each plan, cuDNN's best guess first.
  const std::vector<std::string>& Names() const { return names_; }
  // Makes a plan ready, once. False: cuDNN refuses it.
  bool Build(size_t plan);
  int64_t WorkspaceBytes(size_t plan) const {
    return graph_->get_workspace_size_plan_at_index(static_cast<int64_t>(plan));
  }
  // Starts it on the stream. False: cuDNN refuses it.
  bool Run(size_t plan, Tensors tensors, void* workspace, Stream stream);
  const std::string& Refusal() const { return refusal_; }

 private:
  enum class State { kUnknown, kBuilt, kRefused };

  bool Accept(cudnn_frontend::error_t status);

  std::unique_ptr<cudnn_frontend::graph::Graph> graph_;
  std::vector<std::string> names_;
  std::vector<State> built_;
  std::string refusal_;
};

}  // namespace t3::kernels
