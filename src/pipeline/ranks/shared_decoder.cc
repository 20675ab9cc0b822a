// Parts of the rows from every rank to rank 0, call by call.
#include "pipeline/ranks/shared_decoder.h"

#include <ATen/ops/empty.h>

#include <utility>

#include "loading/load_models.h"
#include "pipeline/decode.h"
#include "pipeline/ranks/orders.h"

namespace t3 {
namespace {

// Rows of all ranks' parts on their way to rank 0.
class PartExchange {
 public:
  PartExchange(Team& team, std::vector<PlannedDecode> parts)
      : team_(team), parts_(std::move(parts)) {}

  // Rank 0: its own rows and those of the others to `sink`, from the top to the bottom.
  void Collect(const DecodedRows& own, const RowSink& sink) {
    team_.Pass(true);
    const int64_t frames = own.pixels.size(1), width = own.pixels.size(3);
    std::vector<int64_t> from{0};
    for (size_t rank = 1; rank < parts_.size(); ++rank)
      from.push_back(3 * frames * parts_[rank].calls.at(call_).size() * width);
    const at::Tensor others = team_.everyone().Exchange(
        at::empty({0}, own.pixels.options()), std::vector<int64_t>(parts_.size(), 0), from);
    sink(own);
    int64_t first = 0;
    for (size_t rank = 1; rank < parts_.size(); ++rank) {
      const RowRange& rows = parts_[rank].calls[call_];
      const at::Tensor pixels = others.narrow(0, first, from[rank]);
      sink({pixels.view({3, frames, rows.size(), width}), own.frame, rows.begin});
      first += from[rank];
    }
    ++call_;
  }

 private:
  Team& team_;
  std::vector<PlannedDecode> parts_;
  size_t call_ = 0;
};

// The others: their rows to rank 0.
void SendRows(Team& team, const DecodedRows& rows) {
  team.AwaitPass();
  std::vector<int64_t> to(static_cast<size_t>(team.size()), 0);
  to[0] = rows.pixels.numel();
  team.everyone().Exchange(rows.pixels.flatten(), to, std::vector<int64_t>(to.size(), 0));
}

class SharedDecoder : public VideoDecoder {
 public:
  SharedDecoder(std::unique_ptr<VideoDecoder> own, Team& team)
      : own_(std::move(own)), team_(team) {}
  ~SharedDecoder() override {
    try {
      Team::Order(team_, nlohmann::json{{"do", orders::kDropDecoder}}.dump()).End();
    } catch (...) {  // the ranks are out of step, which the next order says
    }
  }

  PlannedDecode PlanFor(const Grid& latent, int64_t budget) const override {
    const int64_t smallest = orders::SmallestBudget(team_, budget);
    std::vector<PlannedDecode> parts;
    for (int64_t rank = 0; rank < team_.size(); ++rank) {
      auto part = own_->PlanPart(latent, smallest, rank, team_.size());
      if (!part) return own_->PlanFor(latent, budget);
      parts.push_back(std::move(*part));
    }
    PlannedDecode plan = parts.front();
    plan.run = [this, parts, smallest](const at::Tensor& latents, const RowSink& sink,
                                       const PollFn& poll) {
      Team::Order order(
          team_,
          nlohmann::json{
              {"do", orders::kDecode}, {"shape", latents.sizes().vec()}, {"budget", smallest}}
              .dump(),
          /*stoppable=*/true);
      orders::Send(team_, latents);
      PartExchange exchange(team_, parts);
      parts.front().run(
          latents, [&](const DecodedRows& rows) { exchange.Collect(rows, sink); }, poll);
      team_.everyone().Settle();
      order.End();
    };
    return plan;
  }
  int64_t spatial_stride() const override { return own_->spatial_stride(); }
  void CheckLatents(const at::Tensor& latents) const override { own_->CheckLatents(latents); }

 private:
  std::unique_ptr<VideoDecoder> own_;
  Team& team_;
};

}  // namespace

std::unique_ptr<VideoDecoder> OpenDecoder(const ModelInfo& model, at::ScalarType dtype,
                                          const RunContext& context, Team* team) {
  if (team == nullptr) return LoadDecoder(model, dtype, context);
  Team::Order order(*team, nlohmann::json{{"do", orders::kLoadDecoder}}.dump());
  auto own = LoadDecoder(model, dtype, context);
  order.End();
  return std::make_unique<SharedDecoder>(std::move(own), *team);
}

void FollowDecode(const VideoDecoder& decoder, Team& team, const nlohmann::json& order) {
  const at::Tensor latents = orders::Receive(team, order.at("shape").get<std::vector<int64_t>>());
  const auto plan = decoder.PlanPart({latents.size(1), latents.size(2), latents.size(3)},
                                     order.at("budget"), team.rank(), team.size());
  T3_CHECK(plan.has_value(), "rank 0 shares a decode that this rank's decoder does not");
  try {
    plan->run(latents, [&](const DecodedRows& rows) { SendRows(team, rows); }, {});
    team.everyone().Settle();
  } catch (const Team::OrderStopped&) {  // by rank 0, which says why
  }
}

}  // namespace t3
