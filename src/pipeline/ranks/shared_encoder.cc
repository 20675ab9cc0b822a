// Frames from rank 0 to every rank, rows of each back.
#include "pipeline/ranks/shared_encoder.h"

#include <optional>

#include "loading/load_models.h"
#include "loading/precision.h"
#include "pipeline/ranks/orders.h"

namespace t3 {
namespace {

Vae LoadEncoder(const ModelInfo& model, at::ScalarType dtype, const RunContext& context,
                Team* team) {
  std::optional<Team::Order> order;
  if (team != nullptr) order.emplace(*team, nlohmann::json{{"do", orders::kLoadEncoder}}.dump());
  Vae vae =
      LoadVae(model, VaeHalf::kEncoder, ClipEncoderDtype(dtype, context.device.is_cuda()), context);
  if (order) order->End();
  return vae;
}

// (T,rows,...) of each rank's part of `height` rows -> all rows. `come` precedes every exchange.
template <typename Come>
RowGather GatherRows(Team& team, int64_t height, Come come) {
  return [&team, height, come](const at::Tensor& rows) {
    come();
    const at::Tensor first = rows.transpose(0, 1).contiguous();
    return team.everyone()
        .Gather(first, EvenShares(height, team.size()))
        .transpose(0, 1)
        .contiguous();
  };
}

}  // namespace

ClipEncoder::ClipEncoder(const ModelInfo& model, at::ScalarType dtype, const RunContext& context,
                         Team* team)
    : team_(team), vae_(LoadEncoder(model, dtype, context, team)) {}

ClipEncoder::~ClipEncoder() {
  if (team_ == nullptr) return;
  try {
    Team::Order(*team_, nlohmann::json{{"do", orders::kDropEncoder}}.dump()).End();
  } catch (...) {  // the ranks are out of step, which the next order says
  }
}

EncodePlan ClipEncoder::PlanFor(const Grid& latent, int64_t budget) const {
  if (!Shares(latent)) return PlanEncode(vae_.config(), latent, vae_.element_bytes(), budget);
  budget_ = orders::SmallestBudget(*team_, budget);
  return PlanEncodePart(vae_.config(), latent, vae_.element_bytes(), budget_, 0, team_->size());
}

at::Tensor ClipEncoder::Encode(const EncodePlan& plan, const FrameSource& source,
                               const PollFn& poll) const {
  if (!Shares(plan.latent)) return vae_.EncodeFrom(plan, source, poll);
  Team::Order order(
      *team_,
      nlohmann::json{
          {"do", orders::kEncode}, {"latent", orders::GridJson(plan.latent)}, {"budget", budget_}}
          .dump(),
      /*stoppable=*/true);
  const auto come = [this] { team_->Pass(true); };
  const at::Tensor latents = vae_.EncodeFrom(
      plan,
      [&](int64_t frame, int64_t count) {
        const at::Tensor frames = source(frame, count);
        come();
        orders::Send(*team_, frames);
        return frames;
      },
      poll, GatherRows(*team_, plan.latent.h, come));
  team_->everyone().Settle();
  order.End();
  return latents;
}

void FollowEncode(const Vae& vae, Team& team, const nlohmann::json& order) {
  const Grid latent = orders::GridOf(order.at("latent"));
  const int64_t stride = vae.config().spatial_stride();
  const EncodePlan plan = PlanEncodePart(vae.config(), latent, vae.element_bytes(),
                                         order.at("budget"), team.rank(), team.size());
  const auto come = [&] { team.AwaitPass(); };
  try {
    vae.EncodeFrom(
        plan,
        [&](int64_t /*frame*/, int64_t count) {
          come();
          return orders::Receive(team, {3, count, stride * latent.h, stride * latent.w});
        },
        {}, GatherRows(team, latent.h, come));
    team.everyone().Settle();
  } catch (const Team::OrderStopped&) {  // by rank 0, which says why
  }
}

}  // namespace t3
