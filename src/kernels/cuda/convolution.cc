// Convolutions through cuDNN's graphs, by the header-only front end.
#include "kernels/convolution.h"

#include <cudnn_frontend.h>

#include <map>
#include <mutex>
#include <unordered_map>

#include "base/check.h"
#include "kernels/cuda/launch.h"

namespace t3::kernels {
namespace {

namespace fe = cudnn_frontend;
using Sizes = std::vector<int64_t>;

enum Uid : int64_t { kX = 1, kWeight, kY };

// As cuDNN orders them: batch, channels, then the kernel's dimensions.
struct Dims {
  Sizes sizes;
  Sizes strides;
};

Dims ChannelsLast(int64_t batch, int64_t channels, const Sizes& space) {
  Dims dims{{batch, channels}, {0, 1}};
  dims.sizes.insert(dims.sizes.end(), space.begin(), space.end());
  dims.strides.resize(dims.sizes.size());
  int64_t stride = channels;
  for (size_t i = dims.sizes.size(); i-- > 2;) {
    dims.strides[i] = stride;
    stride *= dims.sizes[i];
  }
  dims.strides[0] = stride;
  return dims;
}

bool IsPlanar(const ConvolutionShape& shape) {
  return shape.kernel[0] == 1 && shape.stride[0] == 1 && shape.padding[0] == 0;
}

// The dimensions that the kernel moves along.
Sizes Space(const ConvolutionShape& shape, const std::array<int64_t, 3>& of) {
  return Sizes(of.begin() + (IsPlanar(shape) ? 1 : 0), of.end());
}

Dims MapDims(const ConvolutionShape& shape, const std::array<int64_t, 3>& map, int64_t channels) {
  return ChannelsLast(IsPlanar(shape) ? map[0] : 1, channels, Space(shape, map));
}

fe::graph::Tensor_attributes Describe(const char* name, Uid uid, const Dims& dims) {
  return fe::graph::Tensor_attributes()
      .set_name(name)
      .set_uid(uid)
      .set_dim(dims.sizes)
      .set_stride(dims.strides)
      .set_data_type(fe::DataType_t::BFLOAT16);
}

std::unique_ptr<fe::graph::Graph> MakeGraph(const ConvolutionShape& shape) {
  auto graph = std::make_unique<fe::graph::Graph>();
  graph->set_io_data_type(fe::DataType_t::BFLOAT16)
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
  const auto x = graph->tensor(Describe("x", kX, MapDims(shape, shape.x, shape.in)));
  const auto weight = graph->tensor(
      Describe("weight", kWeight, ChannelsLast(shape.out, shape.in, Space(shape, shape.kernel))));
  const auto y = graph->conv_fprop(x, weight,
                                   fe::graph::Conv_fprop_attributes()
                                       .set_padding(Space(shape, shape.padding))
                                       .set_stride(Space(shape, shape.stride))
                                       .set_dilation(Sizes(Space(shape, shape.kernel).size(), 1)));
  const Dims made = MapDims(shape, shape.Made(), shape.out);
  y->set_output(true)
      .set_uid(kY)
      .set_dim(made.sizes)
      .set_stride(made.strides)
      .set_data_type(fe::DataType_t::BFLOAT16);
  return graph;
}

int CurrentDevice() {
  int device = 0;
  T3_CHECK(cudaGetDevice(&device) == cudaSuccess, "no current GPU");
  return device;
}

// One a GPU; they live as long as the process. Callers hold `calls`.
std::mutex calls;
cudnnHandle_t HandleOfDevice() {
  static std::map<int, cudnnHandle_t> handles;
  cudnnHandle_t& handle = handles[CurrentDevice()];
  if (handle == nullptr) {
    const cudnnStatus_t status = cudnnCreate(&handle);
    T3_CHECK(status == CUDNN_STATUS_SUCCESS, "cuDNN does not start: {}",
             cudnnGetErrorString(status));
  }
  return handle;
}

class CudnnPlans : public ConvolutionPlans {
 public:
  explicit CudnnPlans(std::unique_ptr<fe::graph::Graph> graph) : graph_(std::move(graph)) {}

  // False: cuDNN has no plan for the graph.
  bool Find(int64_t most_workspace_bytes) {
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

  const std::vector<std::string>& Names() const override { return names_; }

  bool Build(size_t plan) override {
    State& state = built_.at(plan);
    if (state == State::kUnknown) {
      const std::lock_guard lock(calls);
      state = Accept(graph_->build_plan_at_index(static_cast<int64_t>(plan))) ? State::kBuilt
                                                                              : State::kRefused;
    }
    return state == State::kBuilt;
  }

  int64_t WorkspaceBytes(size_t plan) const override {
    return graph_->get_workspace_size_plan_at_index(static_cast<int64_t>(plan));
  }

  bool Run(size_t plan, const ConvolutionArgs& args, Stream stream) override {
    const std::lock_guard lock(calls);
    cudnnHandle_t handle = HandleOfDevice();
    const cudnnStatus_t status = cudnnSetStream(handle, ToCuda(stream));
    T3_CHECK(status == CUDNN_STATUS_SUCCESS, "cuDNN: {}", cudnnGetErrorString(status));
    // The front end takes pointers to what it only reads without const.
    std::unordered_map<int64_t, void*> tensors{
        {kX, const_cast<void*>(args.x)}, {kWeight, const_cast<void*>(args.weight)}, {kY, args.y}};
    return Accept(
        graph_->execute_plan_at_index(handle, tensors, args.workspace, static_cast<int64_t>(plan)));
  }

  const std::string& Refusal() const override { return refusal_; }

 private:
  enum class State { kUnknown, kBuilt, kRefused };

  bool Accept(fe::error_t status) {  // its accessors are not const
    if (status.is_good()) return true;
    refusal_ = status.get_message();
    return false;
  }

  std::unique_ptr<fe::graph::Graph> graph_;
  std::vector<std::string> names_;
  std::vector<State> built_;
  std::string refusal_;
};

}  // namespace

std::unique_ptr<ConvolutionPlans> FindConvolutionPlans(const ConvolutionShape& shape,
                                                       int64_t most_workspace_bytes) {
  const std::lock_guard lock(calls);
  auto plans = std::make_unique<CudnnPlans>(MakeGraph(shape));
  if (!plans->Find(most_workspace_bytes)) return nullptr;
  return plans;
}

std::string ConvolutionMachine(int device) {
  cudaDeviceProp properties{};
  T3_CHECK(cudaGetDeviceProperties(&properties, device) == cudaSuccess,
           "GPU {} does not tell its name", device);
  return fmt::format("{}, cuDNN {}", properties.name, cudnnGetVersion());
}

}  // namespace t3::kernels
