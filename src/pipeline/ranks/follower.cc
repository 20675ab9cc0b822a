// Orders and how they are carried out.
#include "pipeline/ranks/follower.h"

#include <c10/core/GradMode.h>

#include "base/check.h"
#include "base/failure.h"
#include "loading/load_models.h"
#include "loading/precision.h"
#include "pipeline/decode.h"
#include "pipeline/ranks/orders.h"
#include "pipeline/ranks/shared_decoder.h"
#include "pipeline/ranks/shared_encoder.h"
#include "runtime/device.h"
#include "runtime/plan_file.h"

namespace t3 {
namespace {

nlohmann::json ShapeOf(const at::Tensor& x) {
  return x.defined() ? nlohmann::json(x.sizes().vec()) : nlohmann::json();
}

AttentionLayout LayoutOf(const nlohmann::json& order, const DitConfig& dit, at::Device device) {
  const auto pattern = ParseAttention(order.at("attention").get<std::string>());
  const std::string windows = order.at("windows");
  return AttentionLayout::Make(pattern, windows.empty() ? WindowCycle{} : ParseWindows(windows),
                               orders::GridOf(order.at("grid")), dit.num_layers, dit.head_dim(),
                               device);
}

}  // namespace

Follower::Follower(const ModelInfo& model, const RunSettings& settings, Team& team)
    : model_(model),
      settings_(settings),
      team_(team),
      context_{silent_, nullptr, settings.device, DeviceLimit(settings.device, settings.limits)} {}

void Follower::Serve() {
  const c10::NoGradGuard no_gradient;
  try {
    while (Carry(nlohmann::json::parse(team_.Next()))) team_.Answer();
    KeepPlans();  // of shapes that rank 0 has not
    team_.Answer();
  } catch (...) {
    const Error error = CurrentError();
    if (team_.LeaderEnded()) return;
    team_.Report(error.what());
    throw error;
  }
}

bool Follower::Carry(const nlohmann::json& order) {
  const std::string what = order.at("do");
  if (what == orders::kEnd) return false;
  if (what == orders::kLoadDenoiser) {
    LoadDenoiser(order);
  } else if (what == orders::kDropDenoiser) {
    denoiser_.reset();
    dit_.reset();
    ReleaseCachedMemory(settings_.device);
  } else if (what == orders::kDenoise) {
    Denoise(order);
  } else if (what == orders::kLoadDecoder) {
    ReleaseCachedMemory(settings_.device);
    decoder_ = LoadDecoder(model_, settings_.dtype, context_);
  } else if (what == orders::kDropDecoder) {
    decoder_.reset();
    ReleaseCachedMemory(settings_.device);
  } else if (what == orders::kDecode) {
    FollowDecode(*decoder_, team_, order);
  } else if (what == orders::kLoadEncoder) {
    ReleaseCachedMemory(settings_.device);
    encoder_ = LoadVae(model_, VaeHalf::kEncoder,
                       ClipEncoderDtype(settings_.dtype, settings_.device.is_cuda()), context_);
  } else if (what == orders::kDropEncoder) {
    encoder_.reset();
    ReleaseCachedMemory(settings_.device);
  } else if (what == orders::kEncode) {
    FollowEncode(*encoder_, team_, order);
  } else if (what == orders::kBudget) {
    ReleaseCachedMemory(settings_.device);
    orders::ShareBudget(team_, DecodeBudget(context_));
  } else {
    T3_CHECK(denoiser_ && GuidedDenoiser::Takes(order), "rank {} has no denoiser for the order {}",
             team_.rank(), what);
    denoiser_->Follow(order);
  }
  return true;
}

const ModelInfo& Follower::ModelOf(const std::string& draft_dit, bool refiner) {
  if (draft_dit.empty()) return refiner ? RefinerOf(model_) : model_;
  const auto known = draft_models_.find(draft_dit);
  if (known != draft_models_.end()) return known->second;
  ModelFiles files = settings_.files;
  files.dit = draft_dit;
  return draft_models_.emplace(draft_dit, OpenModel(files, FolderLoras::kApplied)).first->second;
}

void Follower::LoadDenoiser(const nlohmann::json& order) {
  denoiser_.reset();
  dit_.reset();
  ReleaseCachedMemory(settings_.device);
  dit_model_ = &ModelOf(order.at("draft_dit"), order.at("refiner"));
  const BlockWeights blocks = order.at("stream") ? BlockWeights::kOnHost : BlockWeights::kOnDevice;
  dit_ = LoadDit(*dit_model_, settings_.dtype, blocks, context_, order.at("bf16"));
  ReleaseCachedMemory(settings_.device);  // of loading
  dit_->set_scratch_bytes(order.at("scratch"));
}

void Follower::Denoise(const nlohmann::json& order) {
  T3_CHECK(dit_, "rank {} has no denoiser loaded", team_.rank());
  denoiser_.reset();
  Guidance guidance{order.at("guidance"), {}, {}};
  guidance.prompt = orders::Receive(team_, order.at("prompt").get<std::vector<int64_t>>());
  if (!order.at("negative").is_null())
    guidance.negative = orders::Receive(team_, order.at("negative").get<std::vector<int64_t>>());
  const DenoiserRanks ranks =
      DenoiserRanks::Connect(team_, {order.at("branches"), order.at("shards")});
  denoiser_.emplace(*dit_, LayoutOf(order, dit_model_->dit, settings_.device), guidance, ranks);
}

void OrderDenoiser(Team* team, const DenoiserOrder& what, const std::function<void()>& load) {
  if (team == nullptr) return load();
  Team::Order order(*team, nlohmann::json{{"do", orders::kLoadDenoiser},
                                          {"draft_dit", what.draft_dit},
                                          {"refiner", what.refiner},
                                          {"stream", what.stream},
                                          {"scratch", what.scratch_bytes},
                                          {"bf16", what.also_bf16}}
                               .dump());
  load();
  order.End();
}

void OrderNoDenoiser(Team* team) {
  if (team == nullptr || !team->in_step()) return;
  Team::Order(*team, nlohmann::json{{"do", orders::kDropDenoiser}}.dump()).End();
}

DenoiserRanks OrderDenoise(Team* team, const DenoiseSetup& setup) {
  if (team == nullptr) return {};
  const bool windowed = setup.pattern != AttentionPattern::kFull;
  Team::Order order(*team, nlohmann::json{{"do", orders::kDenoise},
                                          {"attention", AttentionName(setup.pattern)},
                                          {"windows", windowed ? FormatWindows(setup.windows) : ""},
                                          {"grid", orders::GridJson(setup.grid)},
                                          {"guidance", setup.guidance.scale},
                                          {"prompt", ShapeOf(setup.guidance.prompt)},
                                          {"negative", ShapeOf(setup.guidance.negative)},
                                          {"branches", setup.split.branches},
                                          {"shards", setup.split.shards}}
                               .dump());
  orders::Send(*team, setup.guidance.prompt);
  if (setup.guidance.negative.defined()) orders::Send(*team, setup.guidance.negative);
  const DenoiserRanks ranks = DenoiserRanks::Connect(*team, setup.split);
  order.End();
  return ranks;
}

void OrderEnd(Team& team) {
  if (team.in_step()) Team::Order(team, nlohmann::json{{"do", orders::kEnd}}.dump()).End();
}

}  // namespace t3
