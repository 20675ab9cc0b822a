// Autograd nodes around exchanges.
#include "parallel/exchange_autograd.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

#include <memory>
#include <utility>

#include "base/check.h"

namespace t3 {
namespace {

using torch::autograd::variable_list;

// Every member has a gradient or none: one that stayed away would leave the others waiting.
const at::Tensor& GradientOf(const variable_list& gradients) {
  T3_CHECK(gradients[0].defined(), "ranks: an exchange in the backward pass without a gradient");
  return gradients[0];
}

struct ExchangeBack : public torch::autograd::Node {
  ExchangeBack(RankGroup& members, std::vector<int64_t> sent, std::vector<int64_t> received)
      : group(members), to(std::move(sent)), from(std::move(received)) {}
  variable_list apply(variable_list&& gradients) override {
    return {group.Exchange(GradientOf(gradients), from, to)};
  }
  RankGroup& group;
  std::vector<int64_t> to, from;
};

struct OwnRows : public torch::autograd::Node {
  OwnRows(int64_t first_row, int64_t rows) : first(first_row), count(rows) {}
  variable_list apply(variable_list&& gradients) override {
    return {GradientOf(gradients).narrow(0, first, count)};
  }
  int64_t first, count;
};

at::Tensor WithHistory(const at::Tensor& output, const at::Tensor& input,
                       const std::shared_ptr<torch::autograd::Node>& node) {
  if (!c10::GradMode::is_enabled() || !input.requires_grad()) return output;
  node->set_next_edges(torch::autograd::collect_next_edges(input));
  torch::autograd::set_history(output, node);
  return output;
}

}  // namespace

at::Tensor ExchangeAutograd(RankGroup& group, const at::Tensor& rows,
                            const std::vector<int64_t>& to, const std::vector<int64_t>& from) {
  return WithHistory(group.Exchange(rows.detach(), to, from), rows,
                     std::make_shared<ExchangeBack>(group, to, from));
}

at::Tensor GatherAutograd(RankGroup& group, const at::Tensor& rows,
                          const std::vector<int64_t>& counts) {
  int64_t first = 0;
  for (int64_t i = 0; i < group.rank(); ++i) first += counts[static_cast<size_t>(i)];
  return WithHistory(group.Gather(rows.detach(), counts), rows,
                     std::make_shared<OwnRows>(first, rows.size(0)));
}

}  // namespace t3
