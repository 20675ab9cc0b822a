// The processes of the parts.
#include "cli/job_parts.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <utility>

#include "base/check.h"
#include "cli/launch.h"

namespace t3 {
namespace {

// The GPUs that this process sees, as CUDA_VISIBLE_DEVICES names them; at least `count`.
std::vector<std::string> VisibleGpus(int64_t count) {
  std::vector<std::string> gpus;
  const char* const text = std::getenv("CUDA_VISIBLE_DEVICES");
  if (text == nullptr) {
    for (int64_t gpu = 0; gpu < count; ++gpu) gpus.push_back(std::to_string(gpu));
    return gpus;
  }
  std::string name;
  for (const char* at = text; *at != '\0'; ++at) {
    if (*at != ',') name += *at;
    if (*at == ',' || at[1] == '\0') gpus.push_back(std::exchange(name, ""));
  }
  if (std::ssize(gpus) < count)
    FailUsage("`gpus` {}, but CUDA_VISIBLE_DEVICES names {}: {}", count, gpus.size(), text);
  return gpus;
}

std::vector<std::string> EnvironmentOf(const JobSplit& split, int64_t part, bool on_gpus) {
  if (!on_gpus) {
    const int64_t cores = std::max<int64_t>(1, std::thread::hardware_concurrency() / split.parts);
    return EnvironmentWith({{"OMP_NUM_THREADS", std::to_string(cores)}});
  }
  const std::vector<std::string> gpus = VisibleGpus(split.parts * split.gpus);
  std::string own;
  for (int64_t i = 0; i < split.gpus; ++i)
    own += (i > 0 ? "," : "") + gpus[static_cast<size_t>(part * split.gpus + i)];
  return EnvironmentWith({{"CUDA_VISIBLE_DEVICES", own}});
}

// Of flags that are given twice the later one counts.
std::vector<std::string> FlagsOfPart(const JobSplit& split, int64_t part) {
  return {"--shard", fmt::format("{}/{}", part + 1, split.parts), "--gpus",
          std::to_string(split.gpus)};
}

// Parts 1 and up.
std::vector<ChildStart> OtherParts(const JobSplit& split, const std::string& device) {
  std::vector<ChildStart> starts;
  for (int64_t part = 1; part < split.parts; ++part) {
    std::vector<std::string> arguments = KeptArguments();
    const std::vector<std::string> own = FlagsOfPart(split, part);
    arguments.insert(arguments.end(), own.begin(), own.end());
    arguments.insert(arguments.end(), {"--device", device, "--progress", "json"});
    starts.push_back({fmt::format("part {}", part + 1), arguments,
                      EnvironmentOf(split, part, device != "cpu"), /*prints=*/true,
                      /*events=*/true});
  }
  return starts;
}

}  // namespace

JobParts::JobParts(const JobSplit& split, const std::string& device, ProgressStyle style)
    : split_(split), style_(style), children_(OtherParts(split, device)) {
  AddArguments(FlagsOfPart(split, 0));  // for further ranks of this part
}

std::string JobParts::shard() const { return fmt::format("1/{}", split_.parts); }

int JobParts::Run(const CancelToken& cancel, const std::function<int()>& own) {
  int code = 0;
  try {
    code = own();
  } catch (...) {
    Wait(cancel, /*stop=*/true);
    throw;
  }
  Wait(cancel, /*stop=*/false);
  const std::string killed = children_.Killed();
  if (!killed.empty()) Fail("{}; the same command makes what is missing", killed);
  return std::max(code, children_.status());
}

// "part 2 of 3: denoising  4/20 steps  ...  and 1 more".
void JobParts::ShowProgress(const ProgressFn& progress, std::string& shown) {
  std::optional<ChildProgress> child = children_.Progress();
  if (!child) return;
  ProgressEvent& event = child->event;
  event.stage = fmt::format("{} of {}: {}", child->name, split_.parts, event.stage);
  if (child->others > 0) event.detail = fmt::format("and {} more", child->others);
  const std::string state = fmt::format("{} {} {}", event.stage, event.done, event.detail);
  if (std::exchange(shown, state) != state) progress(event);
}

void JobParts::Wait(const CancelToken& cancel, bool stop) {
  bool stopped = false;
  Terminal terminal(style_);
  const ProgressFn progress = terminal.Progress();
  std::string shown;
  while (!children_.AllEnded()) {
    if (!stop) ShowProgress(progress, shown);
    if (!stopped && (stop || cancel.cancelled())) {
      children_.Signal(SIGINT);
      stopped = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace t3
