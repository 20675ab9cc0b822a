// Convolutions through cuDNN's graphs.
#include "kernels/convolution.h"

#include "base/check.h"
#include "kernels/cuda/cudnn_graph.h"
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

class CudnnConvolution : public ConvolutionPlans {
 public:
  explicit CudnnConvolution(const ConvolutionShape& shape) : graph_(MakeGraph(shape)) {}
  bool Find(int64_t most_workspace_bytes) { return graph_.Find(most_workspace_bytes); }

  const std::vector<std::string>& Names() const override { return graph_.Names(); }
  bool Build(size_t plan) override { return graph_.Build(plan); }
  int64_t WorkspaceBytes(size_t plan) const override { return graph_.WorkspaceBytes(plan); }
  bool Run(size_t plan, const ConvolutionArgs& args, Stream stream) override {
    // The front end takes pointers to what it only reads without const.
    return graph_.Run(
        plan,
        {{kX, const_cast<void*>(args.x)}, {kWeight, const_cast<void*>(args.weight)}, {kY, args.y}},
        args.workspace, stream);
  }
  const std::string& Refusal() const override { return graph_.Refusal(); }

 private:
  CudnnGraph graph_;
};

}  // namespace

std::unique_ptr<ConvolutionPlans> FindConvolutionPlans(const ConvolutionShape& shape,
                                                       int64_t most_workspace_bytes) {
  auto plans = std::make_unique<CudnnConvolution>(shape);
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
