// Counts what is missing and asks for the room.
#include "training/cache_plan.h"

#include <map>

#include "base/free_space.h"

namespace t3 {

std::vector<TrainPlan::Cache> PlanCaches(const DitTrainConfig& config, const ModelInfo& model,
                                         ClipLatents latents) {
  std::map<std::string, int64_t> missing;
  const auto add = [&](const std::optional<WorldLatentsConfig>& world, ClipLatents kind) {
    if (world) missing[world->cache] += MissingCacheBytes(*world, model, kind);
  };
  add(config.data.world, latents);
  if (config.validation.every_steps > 0) add(config.validation.world, ClipLatents::kRendered);
  std::vector<TrainPlan::Cache> caches;
  for (const auto& [folder, bytes] : missing) {
    if (bytes == 0) continue;
    caches.push_back(
        {folder, bytes, FreeBytes(folder).value_or(-1), OnSameDisk(folder, config.output)});
  }
  return caches;
}

}  // namespace t3
