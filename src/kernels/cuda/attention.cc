// Attention as a cuDNN graph.
#include "kernels/attention.h"

#include <cmath>

#include "kernels/cuda/cudnn_graph.h"

namespace t3::kernels {
namespace {

namespace fe = cudnn_frontend;

enum Uid : int64_t { kQ = 1, kK, kV, kOut };  // in the order of CudnnPlans::Launch

std::unique_ptr<fe::graph::Graph> BuildGraph(const AttentionShape& shape) {
  auto graph = std::make_unique<fe::graph::Graph>();
  graph->set_io_data_type(fe::DataType_t::BFLOAT16)
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
  const auto sizes = [&](int64_t rows) {
    return std::vector<int64_t>{shape.batch, shape.heads, rows, shape.head_dim};
  };
  const auto strides = [](const AttentionShape::Strides& of) {
    return std::vector<int64_t>{of[0], of[1], of[2], 1};
  };
  const auto input = [&](const char* name, Uid uid, int64_t rows,
                         const AttentionShape::Strides& of) {
    return graph->tensor(fe::graph::Tensor_attributes()
                             .set_name(name)
                             .set_uid(uid)
                             .set_dim(sizes(rows))
                             .set_stride(strides(of))
                             .set_data_type(fe::DataType_t::BFLOAT16));
  };
  const auto [out, stats] =
      graph->sdpa(input("q", kQ, shape.queries, shape.q), input("k", kK, shape.keys, shape.k),
                  input("v", kV, shape.keys, shape.v),
                  fe::graph::SDPA_attributes()
                      .set_name("attention")
                      .set_generate_stats(false)
                      .set_attn_scale(1 / std::sqrt(static_cast<float>(shape.head_dim))));
  out->set_output(true)
      .set_uid(kOut)
      .set_dim(sizes(shape.queries))
      .set_stride(strides(shape.out))
      .set_data_type(fe::DataType_t::BFLOAT16);
  return graph;
}

}  // namespace

std::unique_ptr<CudnnPlans> FindAttentionPlans(const AttentionShape& shape,
                                               int64_t max_workspace_bytes) {
  return FindCudnnPlans(BuildGraph(shape), max_workspace_bytes);
}

}  // namespace t3::kernels
