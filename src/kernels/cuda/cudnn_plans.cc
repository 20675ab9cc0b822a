// cuDNN's plans through its header-only front end.
#include "kernels/cudnn_plans.h"

#include <map>
#include <mutex>
#include <unordered_map>

#include "base/check.h"
#include "kernels/cuda/cudnn_graph.h"
#include "kernels/cuda/launch.h"
#include "kernels/device.h"

namespace t3::kernels {
namespace {

namespace fe = cudnn_frontend;

std::mutex cudnn_mutex;

// One per GPU; they live as long as the process. Callers hold cudnn_mutex.
cudnnHandle_t HandleOfDevice() {
  static std::map<int, cudnnHandle_t> handles;
  int device = 0;
  T3_CHECK(cudaGetDevice(&device) == cudaSuccess, "no current GPU");
  cudnnHandle_t& handle = handles[device];
  if (handle == nullptr) {
    const cudnnStatus_t status = cudnnCreate(&handle);
    T3_CHECK(status == CUDNN_STATUS_SUCCESS, "cuDNN cannot be started: {}",
             cudnnGetErrorString(status));
  }
  return handle;
}

}  // namespace

struct CudnnPlans::Graph {
  enum class State { kUnknown, kBuilt, kRefused };

  bool Accept(fe::error_t status) {  // its accessors are not const
    if (status.is_good()) return true;
    refusal = status.get_message();
    return false;
  }
  // False: cuDNN has no plan.
  bool Find(int64_t max_workspace_bytes) {
    const std::lock_guard lock(cudnn_mutex);
    if (!Accept(graph->validate()) || !Accept(graph->build_operation_graph(HandleOfDevice())) ||
        !Accept(graph->create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK}))) {
      return false;
    }
    graph->deselect_workspace_greater_than(max_workspace_bytes);
    for (int64_t i = 0; i < graph->get_execution_plan_count(); ++i) {
      std::string& name = names.emplace_back();
      if (!Accept(graph->get_plan_name_at_index(i, name))) name.clear();
    }
    states.resize(names.size(), State::kUnknown);
    return !names.empty();
  }

  std::unique_ptr<fe::graph::Graph> graph;
  std::vector<std::string> names{};
  std::vector<State> states{};
  std::string refusal{};
};

CudnnPlans::CudnnPlans(std::unique_ptr<Graph> graph) : graph_(std::move(graph)) {}
CudnnPlans::~CudnnPlans() = default;

const std::vector<std::string>& CudnnPlans::Names() const { return graph_->names; }
const std::string& CudnnPlans::Refusal() const { return graph_->refusal; }

bool CudnnPlans::Build(size_t plan) {
  Graph::State& state = graph_->states.at(plan);
  if (state == Graph::State::kUnknown) {
    const std::lock_guard lock(cudnn_mutex);
    const bool built =
        graph_->Accept(graph_->graph->build_plan_at_index(static_cast<int64_t>(plan)));
    state = built ? Graph::State::kBuilt : Graph::State::kRefused;
  }
  return state == Graph::State::kBuilt;
}

int64_t CudnnPlans::WorkspaceBytes(size_t plan) const {
  return graph_->graph->get_workspace_size_plan_at_index(static_cast<int64_t>(plan));
}

bool CudnnPlans::Launch(size_t plan, std::initializer_list<const void*> tensors, void* workspace,
                        Stream stream) {
  std::unordered_map<int64_t, void*> by_uid;
  int64_t uid = 0;
  // The front end takes pointers to what it only reads without const.
  for (const void* tensor : tensors) by_uid[++uid] = const_cast<void*>(tensor);
  const std::lock_guard lock(cudnn_mutex);
  cudnnHandle_t handle = HandleOfDevice();
  const cudnnStatus_t status = cudnnSetStream(handle, ToCuda(stream));
  T3_CHECK(status == CUDNN_STATUS_SUCCESS, "cuDNN: {}", cudnnGetErrorString(status));
  return graph_->Accept(
      graph_->graph->execute_plan_at_index(handle, by_uid, workspace, static_cast<int64_t>(plan)));
}

std::unique_ptr<CudnnPlans> FindCudnnPlans(std::unique_ptr<fe::graph::Graph> graph,
                                           int64_t max_workspace_bytes) {
  auto plans = std::make_unique<CudnnPlans::Graph>(CudnnPlans::Graph{std::move(graph)});
  if (!plans->Find(max_workspace_bytes)) return nullptr;
  return std::make_unique<CudnnPlans>(std::move(plans));
}

std::string CudnnMachine(int device) {
  return fmt::format("{}, cuDNN {}", GpuName(device), cudnnGetVersion());
}

}  // namespace t3::kernels
