// cuDNN's plans for one graph.
#include "kernels/cuda/cudnn_graph.h"

#include <map>
#include <mutex>

#include "base/check.h"
#include "kernels/cuda/launch.h"

namespace t3::kernels {
namespace {

namespace fe = cudnn_frontend;

// One a GPU; they live as long as the process. Callers hold `calls`.
std::mutex calls;
cudnnHandle_t HandleOfDevice() {
  static std::map<int, cudnnHandle_t> handles;
  int device = 0;
  T3_CHECK(cudaGetDevice(&device) == cudaSuccess, "no current GPU");
  cudnnHandle_t& handle = handles[device];
  if (handle == nullptr) {
    const cudnnStatus_t status = cudnnCreate(&handle);
    T3_CHECK(status == CUDNN_STATUS_SUCCESS, "cuDNN does not start: {}",
             cudnnGetErrorString(status));
  }
  return handle;
}

}  // namespace

bool CudnnGraph::Find(int64_t most_workspace_bytes) {
  const std::lock_guard lock(calls);
  if (!Accept(graph_->validate()) || !Accept(graph_->build_operation_graph(HandleOfDevice())) ||
      !Accept(graph_->create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK}))) {
    return false;
  }
  graph_->deselect_workspace_greater_than(most_workspace_bytes);
  for (int64_t i = 0; i < graph_->get_execution_plan_count(); ++i) {
    std::string& name = names_.emplace_back();
    if (!Accept(graph_->get_plan_name_at_index(i, name))) name.clear();
  }
  built_.resize(names_.size(), State::kUnknown);
  return !names_.empty();
}

bool CudnnGraph::Build(size_t plan) {
  State& state = built_.at(plan);
  if (state == State::kUnknown) {
    const std::lock_guard lock(calls);
    state = Accept(graph_->build_plan_at_index(static_cast<int64_t>(plan))) ? State::kBuilt
                                                                            : State::kRefused;
  }
  return state == State::kBuilt;
}

bool CudnnGraph::Run(size_t plan, Tensors tensors, void* workspace, Stream stream) {
  const std::lock_guard lock(calls);
  cudnnHandle_t handle = HandleOfDevice();
  const cudnnStatus_t status = cudnnSetStream(handle, ToCuda(stream));
  T3_CHECK(status == CUDNN_STATUS_SUCCESS, "cuDNN: {}", cudnnGetErrorString(status));
  return Accept(
      graph_->execute_plan_at_index(handle, tensors, workspace, static_cast<int64_t>(plan)));
}

bool CudnnGraph::Accept(fe::error_t status) {  // its accessors are not const
  if (status.is_good()) return true;
  refusal_ = status.get_message();
  return false;
}

}  // namespace t3::kernels
