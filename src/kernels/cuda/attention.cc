// Attention as a cuDNN graph.
#include "kernels/attention.h"

#include <cmath>

#include "kernels/cuda/cudnn_graph.h"

namespace t3::kernels {
namespace {

namespace fe = cudnn_frontend;
using Tensor = std::shared_ptr<fe::graph::Tensor_attributes>;

// In the order of CudnnPlans::Launch. The last row is that of AttentionShape::fp8.
enum Uid : int64_t {
  kQ = 1,
  kK,
  kV,
  kOut,
  kQScale,
  kKScale,
  kVScale,
  kWeightsInverse,
  kWeightsScale,
  kOutScale,
  kMaxWeight,
  kMaxOut
};

class AttentionGraph {
 public:
  explicit AttentionGraph(const AttentionShape& shape)
      : shape_(shape),
        type_(shape.fp8 ? fe::DataType_t::FP8_E4M3 : fe::DataType_t::BFLOAT16),
        graph_(std::make_unique<fe::graph::Graph>()) {
    graph_->set_io_data_type(type_)
        .set_intermediate_data_type(fe::DataType_t::FLOAT)
        .set_compute_data_type(fe::DataType_t::FLOAT);
  }

  std::unique_ptr<fe::graph::Graph> Build() && {
    const Tensor out = shape_.fp8 ? AttendCodes() : Attend();
    out->set_output(true)
        .set_uid(kOut)
        .set_dim(Sizes(shape_.queries))
        .set_stride(Strides(shape_.out))
        .set_data_type(type_);
    return std::move(graph_);
  }

 private:
  std::vector<int64_t> Sizes(int64_t rows) const {
    return {shape_.batch, shape_.heads, rows, shape_.head_dim};
  }
  static std::vector<int64_t> Strides(const AttentionShape::Strides& of) {
    return {of[0], of[1], of[2], 1};
  }
  Tensor Input(const char* name, Uid uid, int64_t rows, const AttentionShape::Strides& of) {
    return graph_->tensor(fe::graph::Tensor_attributes()
                              .set_name(name)
                              .set_uid(uid)
                              .set_dim(Sizes(rows))
                              .set_stride(Strides(of))
                              .set_data_type(type_));
  }
  Tensor Q() { return Input("q", kQ, shape_.queries, shape_.q); }
  Tensor K() { return Input("k", kK, shape_.keys, shape_.k); }
  Tensor V() { return Input("v", kV, shape_.keys, shape_.v); }
  fe::graph::SDPA_attributes Options() const {
    return fe::graph::SDPA_attributes()
        .set_name("attention")
        .set_generate_stats(false)
        .set_attn_scale(1 / std::sqrt(static_cast<float>(shape_.head_dim)));
  }

  Tensor Attend() { return graph_->sdpa(Q(), K(), V(), Options())[0]; }

  Tensor AttendCodes() {
    const auto scale = [&](const char* name, Uid uid) {
      return graph_->tensor(AsNumber(fe::graph::Tensor_attributes().set_name(name), uid));
    };
    const auto [out, stats, max_weight, max_out] = graph_->sdpa_fp8(
        Q(), K(), V(), scale("q scale", kQScale), scale("k scale", kKScale),
        scale("v scale", kVScale), scale("weights' inverse", kWeightsInverse),
        scale("weights' scale", kWeightsScale), scale("result's scale", kOutScale), Options());
    AsNumber(*max_weight, kMaxWeight).set_output(true);
    AsNumber(*max_out, kMaxOut).set_output(true);
    return out;
  }
  static fe::graph::Tensor_attributes& AsNumber(fe::graph::Tensor_attributes& tensor, Uid uid) {
    return tensor.set_uid(uid)
        .set_dim({1, 1, 1, 1})
        .set_stride({1, 1, 1, 1})
        .set_data_type(fe::DataType_t::FLOAT);
  }

  const AttentionShape& shape_;
  fe::DataType_t type_;
  std::unique_ptr<fe::graph::Graph> graph_;
};

}  // namespace

std::unique_ptr<CudnnPlans> FindAttentionPlans(const AttentionShape& shape,
                                               int64_t max_workspace_bytes) {
  return FindCudnnPlans(AttentionGraph(shape).Build(), max_workspace_bytes);
}

}  // namespace t3::kernels
