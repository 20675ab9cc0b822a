// Compares a plan with the free space.
#include "training/disk_check.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"

namespace t3 {
namespace {

// What the best model takes for good.
int64_t BytesOfBest(const TrainPlan& plan) { return plan.has_best ? 0 : plan.best_bytes; }

// Where room lacks, a checkpoint is written once all but keep - 1 earlier ones are removed, one at
// least being left (CheckpointFolder::Write); the model is written after that. A model is complete
// before it replaces another.
int64_t BytesOfNext(const TrainPlan& plan, const std::vector<int64_t>& steps) {
  if (!steps.empty() && steps.front() >= plan.steps) return plan.model_bytes;
  const int64_t there = std::ssize(steps), kept = plan.checkpoints_kept;
  const int64_t while_written = std::min(there, std::max<int64_t>(kept - 1, 1)) + 1;
  const int64_t after = std::min(there + 1, kept);
  return BytesOfBest(plan) +
         std::max({(while_written - there) * plan.checkpoint_bytes, plan.best_bytes,
                   (after - there) * plan.checkpoint_bytes + plan.model_bytes});
}

// Of caches on the disk of the output.
int64_t CacheBytesBeside(const TrainPlan& plan) {
  int64_t bytes = 0;
  for (const TrainPlan::Cache& cache : plan.caches) bytes += cache.on_output_disk ? cache.bytes : 0;
  return bytes;
}

std::optional<Error> RefusalOf(const TrainPlan::Cache& cache) {
  const int64_t free = cache.free_bytes;
  if (cache.on_output_disk || free < 0 || cache.bytes <= free) return std::nullopt;
  return Error(fmt::format(
      "the disk of \"cache\" {} has {} free, and the latents of the clips take {}: free {} more, "
      "name a \"cache\" on a larger disk, or leave it out",
      cache.folder, FormatBytes(free), FormatBytes(cache.bytes), FormatBytes(cache.bytes - free)));
}

std::optional<Error> RefusalOfOutput(const TrainPlan& plan, const std::vector<int64_t>& steps) {
  const int64_t cached = CacheBytesBeside(plan);
  const int64_t needed = BytesOfNext(plan, steps) + cached, free = plan.free_disk_bytes;
  if (free < 0 || needed <= free) return std::nullopt;
  const std::string best = BytesOfBest(plan) > 0 ? " and as much for the best one in best/" : "";
  const std::string cache =
      cached > 0 ? fmt::format(", the latents of the clips in \"cache\" {}", FormatBytes(cached))
                 : "";
  return Error(
      fmt::format("the disk of \"output\" {} has {} free, and the next checkpoint takes {}{} and "
                  "the model {}{}: free {} more, or name an \"output\" on a larger disk",
                  plan.output, FormatBytes(free), FormatBytes(plan.checkpoint_bytes), cache,
                  FormatBytes(plan.model_bytes), best, FormatBytes(needed - free)));
}

}  // namespace

std::optional<Error> DiskRefusal(const TrainPlan& plan, const std::vector<int64_t>& steps) {
  if (auto refusal = RefusalOfOutput(plan, steps)) return refusal;
  for (const TrainPlan::Cache& cache : plan.caches) {
    if (auto refusal = RefusalOf(cache)) return refusal;
  }
  return std::nullopt;
}

std::string DiskNote(const TrainPlan& plan, const std::vector<int64_t>& steps) {
  const int64_t more = std::max<int64_t>(0, plan.checkpoints_kept + 1 - std::ssize(steps));
  const int64_t needed = more * plan.checkpoint_bytes + BytesOfBest(plan) + CacheBytesBeside(plan);
  if (plan.free_disk_bytes < 0 || needed <= plan.free_disk_bytes) return "";
  return fmt::format(
      "the disk has {} free, and {} checkpoints, one more than are kept, take {}: the oldest may "
      "have to go before the next is complete; a smaller \"checkpoint.keep\" takes less",
      FormatBytes(plan.free_disk_bytes), plan.checkpoints_kept + 1,
      FormatBytes((plan.checkpoints_kept + 1) * plan.checkpoint_bytes));
}

}  // namespace t3
