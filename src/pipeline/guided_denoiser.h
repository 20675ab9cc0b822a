// The denoiser with classifier-free guidance, on one device or shared by ranks.
#pragma once

#include <ATen/core/Tensor.h>

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "models/dit/dit.h"
#include "parallel/team.h"
#include "plan/rank_split.h"

namespace t3 {

// The ranks that share each velocity. Without a team this process computes it alone.
struct DenoiserRanks {
  Team* team = nullptr;
  RankSplit split;
  RankGroup* shards = nullptr;  // that share this rank's branch; nullptr: this rank alone
  RankGroup* leads = nullptr;   // the first rank of either branch, on these two
  int64_t branch = 0;           // of this rank

  // Connects them; all ranks call it.
  static DenoiserRanks Connect(Team& team, const RankSplit& split);
};

// What guides a velocity. Embeddings (tokens, text width); `negative` is undefined if guidance
// is 1.
struct Guidance {
  double scale = 1;
  at::Tensor prompt;
  at::Tensor negative;
};

// One evaluation per step, or two. For its lifetime `dit` must live.
class GuidedDenoiser {
 public:
  GuidedDenoiser(const Dit& dit, const AttentionLayout& attention, const Guidance& guidance,
                 const DenoiserRanks& ranks = {});

  // latents (z,T,h,w) fp32 on the device -> velocity. `clean_frames` of x are of the image and have
  // no noise. `bf16`: by that form of the denoiser, where it has one. With a team rank 0 calls
  // this, and it orders the same of the others.
  at::Tensor Velocity(const at::Tensor& x, double timestep, int64_t clean_frames,
                      bool bf16 = false) const;

  // The first layer whose output in the step from `x` is not finite; "" where all are.
  std::string FaultyLayer(const at::Tensor& x, double timestep, int64_t clean_frames) const;

  // The others: takes part in what rank 0 ordered, a velocity or a search.
  void Follow(const nlohmann::json& order) const;
  // Whether `order` is one of these.
  static bool Takes(const nlohmann::json& order);

 private:
  struct Input {
    at::Tensor x;
    double timestep;
    int64_t clean_frames;
    bool bf16;
  };
  bool splits_branches() const { return ranks_.split.branches == 2; }
  // Gives the others the input of `what`, if there are any.
  Input Ordered(const char* what, const Input& input, std::optional<Team::Order>& order) const;
  at::Tensor Compute(const Input& input) const;
  at::Tensor ComputeBranch(const Input& input) const;
  std::string Search(const Input& input) const;
  std::string SearchBranch(const Input& input, bool negative) const;

  const Dit& dit_;
  AttentionLayout attention_;
  DenoiserRanks ranks_;
  double scale_;
  TextContext prompt_;
  TextContext negative_;
};

}  // namespace t3
