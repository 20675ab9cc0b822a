// Rounds in which each rank renders clips and gives them to the others.
#include "training/dit/shared_latents.h"

#include <ATen/ATen.h>

#include "base/check.h"

namespace t3 {
namespace {

// parts[i] of rank i, on all ranks.
void Give(Team& team, const std::vector<at::Tensor>& parts) {
  team.Share("");  // ranks may differ by more than the patience of an exchange
  for (size_t rank = 0; rank < parts.size(); ++rank)
    team.everyone().Broadcast(parts[rank], static_cast<int64_t>(rank));
  team.everyone().Settle();
}

at::Tensor EmptyLatents(const WorldLatentSize& size, const ModelInfo& model, at::Device device) {
  return at::empty(LatentShape(size, *model.vae),
                   at::TensorOptions().dtype(at::kBFloat16).device(device));
}

at::Tensor RenderInRounds(const WorldLatentSize& size, int64_t seed, const ModelInfo& model,
                          at::ScalarType dtype, const RunContext& context, Team* team) {
  const LatentRenderer renderer(size, seed, model, dtype, context);
  const at::Tensor latents = EmptyLatents(size, model, context.device);
  const int64_t ranks = team == nullptr ? 1 : team->size();
  const int64_t rank = team == nullptr ? 0 : team->rank();
  Stage stage(context, "encoding the world", size.clips);
  int64_t done = 0;
  for (const at::Tensor& round : latents.split(ranks * size.together)) {
    const std::vector<at::Tensor> parts = round.split(size.together);
    if (rank < std::ssize(parts)) {
      const at::Tensor& own = parts[static_cast<size_t>(rank)];
      own.copy_(renderer.Render(done + rank * size.together, own.size(0)));
      T3_CHECK(own.isfinite().all().item<bool>(),
               "the VAE encodes clips of the world to latents that are not finite");
    }
    if (team != nullptr) Give(*team, parts);
    done += round.size(0);
    stage.Advance(done);
  }
  return latents;
}

// Rank 0's `latents`, on all ranks. The others have those to overwrite.
void GiveCached(const at::Tensor& latents, int64_t together, Team& team) {
  for (const at::Tensor& part : latents.split(together)) Give(team, {part});
}

}  // namespace

at::Tensor SharedLatents(const WorldLatentSize& size, int64_t seed, const ModelInfo& model,
                         at::ScalarType dtype, const RunContext& context, const LatentCache& cache,
                         Team* team) {
  const bool leads = team == nullptr || team->rank() == 0;
  const at::Tensor cached = leads ? cache.Read() : at::Tensor();
  const std::string found = cached.defined() ? "cached" : "to be rendered";
  if ((team == nullptr ? found : team->Share(found)[0]) != "cached") {
    const at::Tensor latents = RenderInRounds(size, seed, model, dtype, context, team);
    if (leads) cache.Write(latents);
    return latents;
  }
  const at::Tensor latents =
      leads ? cached.to(context.device) : EmptyLatents(size, model, context.device);
  if (team != nullptr) GiveCached(latents, size.together, *team);
  return latents;
}

}  // namespace t3
