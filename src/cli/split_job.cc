// Plans of the first video, for one GPU and more.
#include "cli/split_job.h"

#include <algorithm>

#include "base/check.h"
#include "cli/launch.h"
#include "cli/terminal.h"
#include "t3video/engine.h"

namespace t3 {
namespace {

struct Probe {
  bool fits = false;
  std::string device;
};

// As an engine would plan that has so many GPUs.
Probe ProbeWith(const GenerateFlags& flags, const Request& request, int64_t gpus) {
  RunOptions options = ToRunOptions(flags.run);
  options.gpus = gpus;
  try {
    const RunPlan plan = Engine(ToModelFiles(flags.model), options).Plan(request);
    return {!plan.refusal, plan.device.starts_with("cuda") ? "cuda" : plan.device};
  } catch (const Error&) {  // which the run reports
    return {};
  }
}

}  // namespace

bool MayBeSplit(const GenerateFlags& flags) {
  return CheckedGpus(flags.run.options.gpus) > 1 && flags.shard.empty() && !flags.restart &&
         !flags.request.output.overwrite && !flags.run.options.device.starts_with("cuda:") &&
         ParseProgressStyle(flags.run.progress) != ProgressStyle::kJson &&
         FindRankPlace().size == 1;
}

SplitOnDevice SplitJob(const GenerateFlags& flags, const std::vector<JobEntry>& entries) {
  SplitOnDevice result;
  result.split.gpus = *flags.run.options.gpus;
  const auto valid = std::ranges::find(entries, "", &JobEntry::error);
  if (valid == entries.end()) return result;
  result.split = ChooseJobSplit(result.split.gpus, std::ssize(entries), [&](int64_t gpus) {
    const Probe probe = ProbeWith(flags, valid->request, gpus);
    if (probe.fits) result.device = probe.device;
    return probe.fits;
  });
  return result;
}

}  // namespace t3
