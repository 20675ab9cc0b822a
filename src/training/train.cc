// t3 train: from a configuration to its task's plan and run.
#include "t3video/train.h"

#include <filesystem>

#include "base/check.h"
#include "base/target_path.h"
#include "runtime/device.h"
#include "training/output_folder.h"
#include "training/read_config.h"
#include "training/train_ranks.h"
#include "training/train_task.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

void CheckCache(const TrainConfig& config, const std::optional<WorldLatentsConfig>& world) {
  const fs::path file = world ? FileInTheWayOf(world->cache) : fs::path();
  T3_CHECK(file.empty(), "{}: world: \"cache\" {}: {} is not a folder", config.source, world->cache,
           file.string());
}

void CheckCaches(const TrainConfig&) {}
void CheckCaches(const DitTrainConfig& config) {
  CheckCache(config, config.data.world);
  CheckCache(config, config.validation.world);
}

}  // namespace

TrainPlan PlanTraining(const std::string& path, const std::vector<std::string>& overrides,
                       int64_t ranks) {
  const AnyTrainConfig any = ReadTrainConfig(path, overrides);
  return std::visit(
      [&](const auto& config) {
        CheckOutput(config);
        CheckCaches(config);
        TrainPlan plan = PlanTask(config, ResolveDevice(config.device), ranks);
        CompletePlan(config, &plan);
        LogNotes(plan);
        return plan;
      },
      any);
}

TrainResult Train(const std::string& path, const std::vector<std::string>& overrides,
                  const ProgressFn& progress, const CancelToken* cancel, const AnnounceFn& announce,
                  const RankPlace& place) {
  const AnyTrainConfig any = ReadTrainConfig(path, overrides);
  return std::visit(
      [&](const auto& config) {
        const at::Device device = RankDevice(ResolveDevice(config.device), config.device, place);
        TrainRanks ranks(place, device, config);
        if (!ranks.leads()) {
          const ProgressFn silent;
          const RunContext context{silent, nullptr, device};
          return ranks.Reporting([&] { return TrainTask(config, context, {}, ranks); });
        }
        CheckOutput(config);
        CheckCaches(config);
        const RunContext context{progress, cancel, device};
        return ranks.Leading(config, [&] { return TrainTask(config, context, announce, ranks); });
      },
      any);
}

}  // namespace t3
