// Recomputed parts as nodes of the autograd graph.
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

// A tensor kept from forward to backward, possibly on the host.
struct KeptTensor {
  at::Tensor data;
  at::Device device = at::kCPU;
  bool needs_gradient = false;

  KeptTensor(const at::Tensor& tensor, bool to_host)
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

at::Tensor RunPart(const NetworkPart& part, const std::vector<at::Tensor>& inputs) {
  const c10::AutoGradMode gradients(true);  // a batch is defined with gradients on
  return part(inputs);
}

struct RecomputedPart : public torch::autograd::Node {
  RecomputedPart(NetworkPart network_part, const std::vector<at::Tensor>& inputs, bool offload)
      : part(std::move(network_part)) {
    for (size_t i = 0; i < inputs.size(); ++i) kept.emplace_back(inputs[i], offload && i == 0);
  }

  variable_list apply(variable_list&& gradients) override {
    std::vector<at::Tensor> inputs;
    for (const KeptTensor& tensor : kept) inputs.push_back(tensor.Leaf());
    const at::Tensor output = RunPart(part, inputs);
    // Several parts may come to the same graph behind a weight (its cast, its LoRA), so that must
    // stay; the part's own is dropped with `output`.
    torch::autograd::backward({output}, {gradients[0]}, /*retain_graph=*/true);
    variable_list results;
    for (const at::Tensor& input : inputs) results.push_back(input.grad());
    results.emplace_back();  // of the anchor
    return results;
  }

  void release_variables() override { kept.clear(); }

  NetworkPart part;
  std::vector<KeptTensor> kept;
};

PartRunner RecomputeParts(bool offload) {
  return [offload](const NetworkPart& part, const std::vector<at::Tensor>& inputs) {
    std::vector<at::Tensor> detached;
    for (const at::Tensor& input : inputs) detached.push_back(input.detach());
    const at::Tensor output = RunPart(part, detached).detach();
    const auto node = std::make_shared<RecomputedPart>(part, inputs, offload);
    // Weights inside the part need gradients even where no input does.
    variable_list sources = inputs;
    sources.push_back(at::zeros({}, inputs[0].options().dtype(at::kFloat)).requires_grad_());
    node->set_next_edges(torch::autograd::collect_next_edges(sources));
    torch::autograd::set_history(output, node);
    return output;
  };
}

}  // namespace

BlockRunners Recompute(bool offload) { return {RecomputeParts(offload), RecomputeParts(false)}; }

}  // namespace t3
