// A rank other than 0: it does what rank 0 orders.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "loading/model_info.h"
#include "models/vae/vae.h"
#include "pipeline/guided_denoiser.h"
#include "pipeline/run_settings.h"
#include "runtime/stage.h"

namespace t3 {

// Holds what a rank has in memory between orders: its copies of the networks. It reads no file but
// the model's and writes none.
class Follower {
 public:
  Follower(const ModelInfo& model, const RunSettings& settings, Team& team);

  // Until rank 0 ends the run. Throws Error for what this rank cannot do, after the others know it;
  // returns where rank 0 ended by itself.
  void Serve();

 private:
  // False for the order that ends the run.
  bool Carry(const nlohmann::json& order);
  void LoadDenoiser(const nlohmann::json& order);
  void Denoise(const nlohmann::json& order);
  const ModelInfo& ModelOf(const std::string& draft_dit, bool refiner);

  const ModelInfo& model_;
  const RunSettings& settings_;
  Team& team_;
  ProgressFn silent_;
  RunContext context_;
  std::map<std::string, ModelInfo> draft_models_;  // by the denoiser's file
  std::optional<Dit> dit_;
  const ModelInfo* dit_model_ = nullptr;
  std::optional<GuidedDenoiser> denoiser_;
  std::unique_ptr<VideoDecoder> decoder_;
  std::optional<Vae> encoder_;
};

// Rank 0: these orders. Each is a part of the run that all ranks begin together.
//
// Loads a denoiser as rank 0 does by `load`.
struct DenoiserOrder {
  std::string draft_dit;  // empty: the model's
  bool refiner = false;   // the model's with the LoRAs for refining
  bool stream = false;    // blocks from host memory
  int64_t scratch_bytes = 0;
  bool also_bf16 = false;  // loading/load_models.h
};
void OrderDenoiser(Team* team, const DenoiserOrder& what, const std::function<void()>& load);
void OrderNoDenoiser(Team* team);
struct DenoiseSetup {
  AttentionPattern pattern = AttentionPattern::kFull;
  WindowCycle windows;
  Grid grid;
  Guidance guidance;
  RankSplit split;
};
// Connects the ranks and gives them windows and texts.
DenoiserRanks OrderDenoise(Team* team, const DenoiseSetup& setup);
void OrderEnd(Team& team);

}  // namespace t3
