// Guidance over one forward, two, or those of other ranks.
#include "pipeline/guided_denoiser.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "pipeline/not_finite.h"
#include "sampling/guidance.h"

namespace t3 {
namespace {

constexpr char kVelocity[] = "velocity";
constexpr char kSearch[] = "search";

}  // namespace

DenoiserRanks DenoiserRanks::Connect(Team& team, const RankSplit& split) {
  DenoiserRanks ranks{.team = &team, .split = split};
  ranks.branch = team.rank() / split.shards;
  std::vector<int64_t> shards;
  for (int64_t i = 0; i < split.shards; ++i) shards.push_back(ranks.branch * split.shards + i);
  if (split.shards > 1) ranks.shards = &team.Among(shards);
  const bool leads = team.rank() == shards.front();
  if (split.branches == 2 && leads) ranks.leads = &team.Among({0, split.shards});
  return ranks;
}

GuidedDenoiser::GuidedDenoiser(const Dit& dit, const AttentionLayout& attention,
                               const Guidance& guidance, const DenoiserRanks& ranks)
    : dit_(dit),
      attention_(ranks.shards ? attention.Share(*ranks.shards, ExecutionMode::kInPlace)
                              : attention),
      ranks_(ranks),
      scale_(guidance.scale) {
  const at::Device device = dit.device();
  if (ranks.branch == 0) prompt_ = dit.PrepareText(guidance.prompt.to(device));
  if (scale_ != 1 && (ranks.branch == 1 || !splits_branches()))
    negative_ = dit.PrepareText(guidance.negative.to(device));
}

// Orders `what` of the others, if there are any, and gives them the input.
GuidedDenoiser::Input GuidedDenoiser::Ordered(const char* what, const Input& input,
                                              std::optional<Team::Order>& order) const {
  if (ranks_.team == nullptr) return input;
  const nlohmann::json text{{"do", what},
                            {"timestep", input.timestep},
                            {"clean_frames", input.clean_frames},
                            {"bf16", input.bf16},
                            {"shape", input.x.sizes().vec()}};
  order.emplace(*ranks_.team, text.dump());
  Input sent = input;
  sent.x = input.x.contiguous();
  ranks_.team->everyone().Broadcast(sent.x, 0);
  return sent;
}

at::Tensor GuidedDenoiser::Velocity(const at::Tensor& x, double timestep, int64_t clean_frames,
                                    bool bf16) const {
  std::optional<Team::Order> order;
  at::Tensor velocity = Compute(Ordered(kVelocity, {x, timestep, clean_frames, bf16}, order));
  if (order) order->End();
  return velocity;
}

std::string GuidedDenoiser::FaultyLayer(const at::Tensor& x, double timestep,
                                        int64_t clean_frames) const {
  std::optional<Team::Order> order;
  std::string layer = Search(Ordered(kSearch, {x, timestep, clean_frames, false}, order));
  if (order) order->End();
  return layer;
}

bool GuidedDenoiser::Takes(const nlohmann::json& order) {
  return order.at("do") == kVelocity || order.at("do") == kSearch;
}

void GuidedDenoiser::Follow(const nlohmann::json& order) const {
  const Input input{at::empty(order.at("shape").get<std::vector<int64_t>>(),
                              at::TensorOptions(dit_.device()).dtype(at::kFloat)),
                    order.at("timestep"), order.at("clean_frames"), order.at("bf16")};
  ranks_.team->everyone().Broadcast(input.x, 0);
  if (order.at("do") == kVelocity) {
    Compute(input);
  } else {
    Search(input);
  }
}

at::Tensor GuidedDenoiser::Compute(const Input& input) const {
  const at::Tensor velocity = ComputeBranch(input);
  if (ranks_.team != nullptr) ranks_.team->everyone().Settle();
  return velocity;
}

at::Tensor GuidedDenoiser::ComputeBranch(const Input& input) const {
  const auto& [x, timestep, clean_frames, bf16] = input;
  const Dit& dit = bf16 ? dit_.bf16() : dit_;
  if (scale_ == 1) return dit.Forward(x, timestep, clean_frames, prompt_, attention_);
  if (!splits_branches()) {
    const auto [with_prompt, with_negative] =
        dit.ForwardBoth(x, timestep, clean_frames, {&prompt_, &negative_}, attention_);
    return Guide(with_prompt, with_negative, scale_);
  }
  const TextContext& text = ranks_.branch == 0 ? prompt_ : negative_;
  const at::Tensor own = dit.Forward(x, timestep, clean_frames, text, attention_).contiguous();
  if (ranks_.leads == nullptr) return own;
  const at::Tensor other = ranks_.branch == 0 ? at::empty_like(own) : own;
  ranks_.leads->Broadcast(other, 1);
  return ranks_.branch == 0 ? Guide(own, other, scale_) : own;
}

// Each rank sees the layers' outputs of its tokens; the earliest layer is what is wanted.
std::string GuidedDenoiser::Search(const Input& input) const {
  std::string found;
  if (ranks_.branch == 0) found = SearchBranch(input, false);
  if (scale_ != 1 && (ranks_.branch == 1 || !splits_branches())) {
    // Also where the first search found something: other ranks may not have.
    const std::string negative = SearchBranch(input, true);
    if (found.empty()) found = negative;
  }
  if (ranks_.team != nullptr) {
    std::vector<std::string> all = ranks_.team->Share(found);
    std::erase(all, "");
    found = all.empty() ? "" : *std::ranges::min_element(all);
  }
  return found.empty() ? "" : found.substr(found.find(' ') + 1);
}

// "0003 blocks.2": sorts by branch and depth; "" where all layers are finite.
std::string GuidedDenoiser::SearchBranch(const Input& input, bool negative) const {
  const FaultyLayerFound found = FirstNotFinite(dit_, {input.x, input.timestep, input.clean_frames},
                                                negative ? negative_ : prompt_, attention_);
  if (found.name.empty()) return "";
  return fmt::format("{}{:03} {}{}", negative ? 1 : 0, found.depth, found.name,
                     negative ? " with the negative prompt" : "");
}

}  // namespace t3
