// Parts of the rows from every rank to rank 0, call by call.
#include "pipeline/ranks/shared_decoder.h"

#include <ATen/ops/empty.h>

#include <optional>
#include <string_view>
#include <utility>

#include "loading/load_models.h"
#include "pipeline/decode_laps.h"
#include "pipeline/ranks/orders.h"
#include "pipeline/row_format.h"

namespace t3 {
namespace {

// Makes `format` of rows, or leaves them.
at::Tensor Made(const DecodedRows& rows, const std::optional<RowFormat>& format) {
  return format ? format->Samples(rows) : rows.pixels;
}

std::optional<RowFormat> FormatOf(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return RowFormat(text);
}

// Rank 0: its rows and those of the others, call by call. What is sent in a call arrives while the
// next one is decoded.
class PartExchange {
 public:
  PartExchange(Team& team, std::vector<PlannedDecode> parts, const SharedRows& rows)
      : team_(team), parts_(std::move(parts)), format_(FormatOf(rows.format)), rows_(rows) {}
  // The others are sending what they were let send.
  ~PartExchange() {
    try {
      if (arriving_) arriving_->transfer.Wait();
    } catch (...) {  // the next order says it
    }
  }
  PartExchange(const PartExchange&) = delete;
  PartExchange& operator=(const PartExchange&) = delete;

  void Collect(const DecodedRows& own) {
    rows_.lap(call_ == 0 ? laps::kFirstRows : laps::kDecoder);
    Call call{Made(own, format_), {}, own.frame, call_++, {}};
    rows_.lap(laps::kConverting);
    const at::Tensor nothing = at::empty({0}, call.own.options());
    std::vector<at::Tensor> from{nothing};
    for (size_t rank = 1; rank < parts_.size(); ++rank) {
      call.others.push_back(at::empty(ShapeOf(own, RowsOf(rank, call)), call.own.options()));
      from.push_back(call.others.back());
    }
    team_.Pass(true);
    call.transfer = team_.everyone().Start(std::vector<at::Tensor>(parts_.size(), nothing), from);
    Deliver(std::exchange(arriving_, std::move(call)));
  }

  // The rows of the last call.
  void Finish() { Deliver(std::exchange(arriving_, std::nullopt)); }

 private:
  struct Call {
    at::Tensor own;
    std::vector<at::Tensor> others;
    int64_t frame = 0;
    size_t index = 0;
    RankGroup::Transfer transfer;
  };
  void Deliver(std::optional<Call> call) const {
    if (!call) return;
    call->transfer.Wait();
    rows_.lap(laps::kOtherRanks);
    rows_.sink(call->own, call->frame, RowsOf(0, *call));
    for (size_t rank = 1; rank < parts_.size(); ++rank)
      rows_.sink(call->others[rank - 1], call->frame, RowsOf(rank, *call));
  }
  const RowRange& RowsOf(size_t rank, const Call& call) const {
    return parts_[rank].calls.at(call.index);
  }
  std::vector<int64_t> ShapeOf(const DecodedRows& own, const RowRange& rows) const {
    const int64_t frames = own.pixels.size(1);
    if (format_) return {frames, format_->Bytes(rows)};
    return {3, frames, rows.size(), own.pixels.size(3)};
  }

  Team& team_;
  std::vector<PlannedDecode> parts_;
  std::optional<RowFormat> format_;
  const SharedRows& rows_;
  size_t call_ = 0;
  std::optional<Call> arriving_;
};

// The others: their rows to rank 0, which travel while the next ones are decoded.
class PartSender {
 public:
  PartSender(Team& team, const std::string& format) : team_(team), format_(FormatOf(format)) {}
  ~PartSender() {
    try {
      latest_.Wait();
    } catch (...) {  // the next order says it
    }
  }
  PartSender(const PartSender&) = delete;
  PartSender& operator=(const PartSender&) = delete;

  void Send(const DecodedRows& rows) {
    const at::Tensor made = Made(rows, format_).contiguous();
    team_.AwaitPass();
    const at::Tensor nothing = at::empty({0}, made.options());
    std::vector<at::Tensor> to(static_cast<size_t>(team_.size()), nothing), from = to;
    to[0] = made;
    std::exchange(latest_, team_.everyone().Start(to, from)).Wait();
  }
  void Finish() { latest_.Wait(); }

 private:
  Team& team_;
  std::optional<RowFormat> format_;
  RankGroup::Transfer latest_;
};

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
    plan.run_shared = [this, parts, smallest](const at::Tensor& latents, const SharedRows& rows,
                                              const PollFn& poll) {
      Run(parts, smallest, latents, rows, poll);
    };
    plan.run = [run = plan.run_shared](const at::Tensor& latents, const RowSink& sink,
                                       const PollFn& poll) {
      const auto pixels = [&](const at::Tensor& made, int64_t frame, const RowRange& rows) {
        sink({made, frame, rows.begin});
      };
      run(latents, {"", pixels, [](std::string_view /*part*/) {}}, poll);
    };
    return plan;
  }
  int64_t spatial_stride() const override { return own_->spatial_stride(); }
  void CheckLatents(const at::Tensor& latents) const override { own_->CheckLatents(latents); }

 private:
  void Run(const std::vector<PlannedDecode>& parts, int64_t budget, const at::Tensor& latents,
           const SharedRows& rows, const PollFn& poll) const {
    Team::Order order(team_,
                      nlohmann::json{{"do", orders::kDecode},
                                     {"shape", latents.sizes().vec()},
                                     {"budget", budget},
                                     {"format", rows.format}}
                          .dump(),
                      /*stoppable=*/true);
    orders::Send(team_, latents);
    PartExchange exchange(team_, parts, rows);
    parts.front().run(
        latents, [&](const DecodedRows& own) { exchange.Collect(own); }, poll);
    rows.lap(laps::kDecoder);
    exchange.Finish();
    team_.everyone().Settle();
    order.End();
  }

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
    PartSender sender(team, order.at("format"));
    plan->run(latents, [&](const DecodedRows& rows) { sender.Send(rows); }, {});
    sender.Finish();
    team.everyone().Settle();
  } catch (const Team::OrderStopped&) {  // by rank 0, which says why
  }
}

}  // namespace t3
