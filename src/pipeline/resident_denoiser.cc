// Loading a denoiser where another one, or none, is in memory.
#include "pipeline/resident_denoiser.h"

#include "pipeline/ranks/follower.h"
#include "runtime/device.h"

namespace t3 {

bool ResidentDenoiser::Serves(const Wanted& wanted) const {
  return dit_ && model_ == &wanted.model && blocks_ == wanted.blocks &&
         also_bf16_ == wanted.also_bf16;
}

void ResidentDenoiser::Load(const RunScope& scope, const Wanted& wanted) {
  const ModelInfo& model = wanted.model;
  if (!Serves(wanted)) {
    Drop(scope.team);
    OrderDenoiser(scope.team,
                  {.draft_dit = scope.IsOwn(&model) ? "" : model.paths.dit,
                   .refiner = &model == scope.model.refiner.get(),
                   .stream = wanted.blocks == BlockWeights::kOnHost,
                   .scratch_bytes = wanted.scratch_bytes,
                   .also_bf16 = wanted.also_bf16},
                  [&] {
                    dit_ = LoadDit(model, scope.settings.dtype, wanted.blocks, scope.context,
                                   wanted.also_bf16);
                  });
  }
  model_ = &model;
  blocks_ = wanted.blocks;
  also_bf16_ = wanted.also_bf16;
  ReleaseCachedMemory(scope.settings.device);  // of loading
  dit_->set_scratch_bytes(wanted.scratch_bytes);
}

void ResidentDenoiser::Drop(Team* team) {
  if (!dit_) return;
  dit_.reset();
  OrderNoDenoiser(team);
}

}  // namespace t3
