// Plans of the first video, for one GPU and more.
#include "cli/split_job.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "base/text.h"
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

SplitOnDevice SplitJobs(std::span<const BatchJob> jobs) {
  SplitOnDevice result;
  const BatchJob& last = jobs.back();
  const int64_t all = *last.flags.run.options.gpus;
  const auto is_valid = [](const JobEntry& entry) { return entry.error.empty(); };
  if (std::ranges::none_of(last.entries, is_valid)) return {{1, all}, ""};
  const auto fits = [&](int64_t gpus) {
    return std::ranges::all_of(jobs, [&](const BatchJob& job) {
      const auto valid = std::ranges::find_if(job.entries, is_valid);
      if (valid == job.entries.end()) return true;
      const Probe probe = ProbeWith(job.flags, valid->request, gpus);
      if (probe.fits) result.device = probe.device;
      return probe.fits;
    });
  };
  result.split = ChooseJobSplit(all, std::ssize(last.entries), fits);
  if (result.split.working() < all) {
    spdlog::info("{} of {} GPUs {}: {} of this model cannot be divided among more",
                 result.split.working(), all, result.split.working() == 1 ? "works" : "work",
                 Counted(std::ssize(last.entries), "video"));
  }
  return result;
}

void UseGpusOf(const JobSplit& split, RunFlags& run) {
  run.options.gpus = split.gpus;
  AddArguments({"--gpus", std::to_string(split.gpus)});
}

}  // namespace t3
