// Convolutions as cuDNN graphs.
#include "kernels/convolution.h"

#include "kernels/cuda/cudnn_graph.h"

namespace t3::kernels {
namespace {

namespace fe = cudnn_frontend;
using Sizes = std::vector<int64_t>;

enum Uid : int64_t { kX = 1, kWeight, kY };  // in the order of CudnnPlans::Launch

// In cuDNN's order: batch, channels, then the kernel's dimensions.
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

std::unique_ptr<fe::graph::Graph> BuildGraph(const ConvolutionShape& shape) {
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
  const Dims output = MapDims(shape, shape.Output(), shape.out);
  y->set_output(true)
      .set_uid(kY)
      .set_dim(output.sizes)
      .set_stride(output.strides)
      .set_data_type(fe::DataType_t::BFLOAT16);
  return graph;
}

}  // namespace

std::unique_ptr<CudnnPlans> FindConvolutionPlans(const ConvolutionShape& shape,
                                                 int64_t max_workspace_bytes) {
  return FindCudnnPlans(BuildGraph(shape), max_workspace_bytes);
}

}  // namespace t3::kernels
