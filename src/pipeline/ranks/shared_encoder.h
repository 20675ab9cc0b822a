// Encoding in parts of the rows, one part a rank.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "loading/model_info.h"
#include "models/vae/vae.h"
#include "parallel/team.h"
#include "runtime/stage.h"

namespace t3 {

// The VAE's encoder of clips, in ClipEncoderDtype of the run's `dtype`: this process's, or shared
// by the ranks of `team`, of which this is rank 0. Of few latent rows (fewer than ranks), and of
// images, rank 0 encodes all.
class ClipEncoder {
 public:
  ClipEncoder(const ModelInfo& model, at::ScalarType dtype, const RunContext& context, Team* team);
  ClipEncoder(const Vae& vae) : team_(nullptr), vae_(vae) {}  // this process's  NOLINT
  ~ClipEncoder();
  ClipEncoder(const ClipEncoder&) = delete;
  ClipEncoder& operator=(const ClipEncoder&) = delete;

  const Vae& vae() const { return vae_; }
  // The plan of `latent` within `budget` bytes; shared, of rank 0's part.
  EncodePlan PlanFor(const Grid& latent, int64_t budget) const;
  // Vae::EncodeFrom by such a plan; shared, all ranks encode their parts of the same frames.
  at::Tensor Encode(const EncodePlan& plan, const FrameSource& source, const PollFn& poll) const;

 private:
  bool Shares(const Grid& latent) const { return team_ != nullptr && team_->size() <= latent.h; }

  Team* team_;
  Vae vae_;
  mutable int64_t budget_ = 0;  // of all ranks, of the latest plan
};

// The other ranks: encode their part of what rank 0 ordered. `order` is orders::kEncode.
void FollowEncode(const Vae& vae, Team& team, const nlohmann::json& order);

}  // namespace t3
