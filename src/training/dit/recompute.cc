// Recomputed segments as nodes of the autograd graph.
#include "training/dit/recompute.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

#include <memory>
#include <utility>
#include <vector>

namespace t3 {
namespace {

using torch::autograd::variable_list;

// An input saved from forward to backward, possibly on the host.
struct SavedInput {
  at::Tensor data;
  at::Device device = at::kCPU;
  bool needs_gradient = false;

  SavedInput(const at::Tensor& tensor, bool to_host)
      : data(tensor.detach()), device(tensor.device()), needs_gradient(tensor.requires_grad()) {
    if (!to_host || !tensor.is_cuda()) return;
    const at::Tensor host =
        at::empty(data.sizes(), at::TensorOptions().dtype(data.scalar_type()).pinned_memory(true));
    host.copy_(data, /*non_blocking=*/true);
    data = host;
  }
  at::Tensor Leaf() const {
    at::Tensor leaf = data.to(device, /*non_blocking=*/true).detach();
    return needs_gradient ? leaf.requires_grad_() : leaf;
  }
};

// Both passes record gradients, so that libtorch chooses the same kernels in both.
at::Tensor RunSegment(const Segment& segment, const std::vector<at::Tensor>& inputs) {
  const c10::AutoGradMode gradients(true);
  return segment(inputs);
}

struct RecomputedSegment : public torch::autograd::Node {
  RecomputedSegment(Segment network_segment, const std::vector<at::Tensor>& inputs, bool offload)
      : segment(std::move(network_segment)) {
    for (size_t i = 0; i < inputs.size(); ++i) saved.emplace_back(inputs[i], offload && i == 0);
  }

  variable_list apply(variable_list&& gradients) override {
    std::vector<at::Tensor> inputs;
    for (const SavedInput& tensor : saved) inputs.push_back(tensor.Leaf());
    const at::Tensor output = RunSegment(segment, inputs);
    // Several segments may share the graph behind a weight (its cast, its LoRA), so that must stay;
    // the segment's own is freed with `output`.
    torch::autograd::backward({output}, {gradients[0]}, /*retain_graph=*/true);
    variable_list results;
    for (const at::Tensor& input : inputs) results.push_back(input.grad());
    results.emplace_back();  // of the anchor
    return results;
  }

  void release_variables() override { saved.clear(); }

  Segment segment;
  std::vector<SavedInput> saved;
};

SegmentRunner RecomputeSegments(bool offload) {
  return [offload](const Segment& segment, const std::vector<at::Tensor>& inputs) {
    std::vector<at::Tensor> detached;
    for (const at::Tensor& input : inputs) detached.push_back(input.detach());
    const at::Tensor output = RunSegment(segment, detached).detach();
    const auto node = std::make_shared<RecomputedSegment>(segment, inputs, offload);
    // Weights inside the segment need gradients even if no input does.
    variable_list sources = inputs;
    sources.push_back(at::zeros({}, inputs[0].options().dtype(at::kFloat)).requires_grad_());
    node->set_next_edges(torch::autograd::collect_next_edges(sources));
    torch::autograd::set_history(output, node);
    return output;
  };
}

}  // namespace

SegmentRunners Recompute(bool offload) {
  return {RecomputeSegments(offload), RecomputeSegments(false)};
}

}  // namespace t3
