// Rounds in which each rank renders clips and gives them to the others.
#include "training/dit/shared_latents.h"

#include <ATen/ATen.h>

#include <chrono>

#include "base/check.h"
#include "base/log.h"
#include "base/seconds_since.h"
#include "base/text.h"

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

// Gives what was rendered to the cache about once a minute and where the work ends early, so that
// the next call continues it.
class PartKeeper {
 public:
  // Clips before `first` are in the cache. nullptr: nothing is kept.
  PartKeeper(const LatentCache* cache, int64_t together, int64_t first)
      : cache_(cache), together_(together), kept_(first) {}

  // Clips before `done` are rendered.
  void Offer(const at::Tensor& latents, int64_t done) {
    constexpr double kSeconds = 60;
    if (SecondsSince(kept_at_) >= kSeconds) Write(latents, done);
  }

  // The rendering ends there.
  void Keep(const at::Tensor& latents, int64_t done) {
    Write(latents, done);
    if (cache_ != nullptr && kept_ > 0)
      spdlog::info("{} of {} are kept in the cache", kept_, Counted(latents.size(0), "clip"));
  }

 private:
  void Write(const at::Tensor& latents, int64_t done) {
    if (cache_ == nullptr || done == kept_) return;
    cache_->WritePart(kept_, together_, latents.narrow(0, kept_, done - kept_));
    kept_ = done;
    kept_at_ = std::chrono::steady_clock::now();
  }

  const LatentCache* cache_;
  int64_t together_, kept_;
  std::chrono::steady_clock::time_point kept_at_ = std::chrono::steady_clock::now();
};

// Clips `first` and on. `cache`: nullptr where it keeps none, and on ranks other than 0.
void RenderInRounds(const LatentRenderer& renderer, const at::Tensor& latents, int64_t first,
                    int64_t together, const RunContext& context, const LatentCache* cache,
                    Team* team) {
  const int64_t clips = latents.size(0);
  const int64_t ranks = team == nullptr ? 1 : team->size();
  const int64_t rank = team == nullptr ? 0 : team->rank();
  Stage stage(context, "encoding the world", clips);
  stage.StartAt(first);
  PartKeeper keeper(cache, together, first);
  int64_t done = first;
  const auto render = [&](const at::Tensor& round) {
    const std::vector<at::Tensor> parts = round.split(together);
    if (rank < std::ssize(parts)) {
      const at::Tensor& own = parts[static_cast<size_t>(rank)];
      own.copy_(renderer.Render(done + rank * together, own.size(0)));
      T3_CHECK(own.isfinite().all().item<bool>(),
               "the VAE encodes clips of the world to latents that are not finite");
    }
    if (team != nullptr) Give(*team, parts);
    done += round.size(0);
    keeper.Offer(latents, done);
    stage.Advance(done);
  };
  try {
    for (const at::Tensor& round : latents.narrow(0, first, clips - first).split(ranks * together))
      render(round);
  } catch (...) {  // a cancel, a lost rank
    keeper.Keep(latents, done);
    throw;
  }
}

// The clips that the cache has, from the first on, into `latents`. Their number.
int64_t TakeCached(const LatentCache& cache, int64_t together, const at::Tensor& latents) {
  const int64_t clips = latents.size(0);
  const auto take = [&](const at::Tensor& found, int64_t first) {
    const bool fits = found.defined() && found.size(0) <= clips - first &&
                      found.sizes().slice(1) == latents.sizes().slice(1);
    if (fits) latents.narrow(0, first, found.size(0)).copy_(found);
    return fits ? found.size(0) : 0;
  };
  if (take(cache.Read(), 0) == clips) return clips;
  int64_t done = 0;
  for (int64_t more = 1; more > 0 && done < clips; done += more)
    more = take(cache.ReadPart(done, together), done);
  if (done > 0) spdlog::info("an earlier call rendered {} of {}", done, Counted(clips, "clip"));
  return done;
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
  const at::Tensor latents = EmptyLatents(size, model, context.device);
  const int64_t own = leads ? TakeCached(cache, size.together, latents) : 0;
  const int64_t cached = team == nullptr ? own : std::stoll(team->Share(std::to_string(own))[0]);
  if (team != nullptr && cached > 0) GiveCached(latents.narrow(0, 0, cached), size.together, *team);
  if (cached == size.clips) return latents;
  const LatentRenderer renderer(size, seed, model, dtype, context);
  RenderInRounds(renderer, latents, cached, size.together, context,
                 leads && cache.keeps() ? &cache : nullptr, team);
  if (leads) cache.Write(latents);
  return latents;
}

}  // namespace t3
