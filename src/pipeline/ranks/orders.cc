// Helpers of several orders.
#include "pipeline/ranks/orders.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <limits>

namespace t3::orders {

int64_t ShareBudget(Team& team, int64_t budget) {
  int64_t smallest = std::numeric_limits<int64_t>::max();
  for (const std::string& bytes : team.Share(std::to_string(budget)))
    smallest = std::min<int64_t>(smallest, std::stoll(bytes));
  return smallest;
}

int64_t SmallestBudget(Team& team, int64_t budget) {
  Team::Order order(team, nlohmann::json{{"do", kBudget}}.dump());
  const int64_t smallest = ShareBudget(team, budget);
  order.End();
  return smallest;
}

void Send(Team& team, const at::Tensor& x) {
  team.everyone().Broadcast(x.to(team.device(), at::kFloat).contiguous(), 0);
}

at::Tensor Receive(Team& team, const std::vector<int64_t>& shape) {
  at::Tensor x = at::empty(shape, at::TensorOptions(team.device()).dtype(at::kFloat));
  team.everyone().Broadcast(x, 0);
  return x;
}

}  // namespace t3::orders
