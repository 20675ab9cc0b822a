// t3 resume.
#include <CLI/App.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "base/check.h"
#include "cli/commands.h"
#include "cli/generate.h"
#include "cli/job_folder.h"
#include "cli/job_parts.h"
#include "cli/signals.h"
#include "cli/split_job.h"
#include "t3video/run.h"

namespace t3 {
namespace {

struct ResumeFlags {
  std::string path;
  std::string output;
  std::string shard;  // of a job
  RunFlags run;
  bool force = false;
  bool overwrite = false;
};

// What the current machine decides, not the saved run.
void OverlayMachine(GenerateFlags& flags, const RunFlags& run) {
  if (!run.options.device.empty()) flags.run.options.device = run.options.device;
  if (run.options.memory_limit > 0) flags.run.options.memory_limit = run.options.memory_limit;
  if (run.options.host_memory_limit > 0)
    flags.run.options.host_memory_limit = run.options.host_memory_limit;
  flags.run.options.gpus = run.options.gpus;
  flags.run.progress = run.progress;
}

std::vector<BatchJob> JobsOf(const ResumeFlags& flags) {
  std::vector<BatchJob> jobs = ReadJobs(flags.path, ParseShard(flags.shard));
  for (BatchJob& job : jobs) OverlayMachine(job.flags, flags.run);
  return jobs;
}

int ResumeJobs(const ResumeFlags& flags) {
  if (!flags.output.empty() || flags.force) {
    FailUsage("{} is the folder of a job: --output and --force are for a single video", flags.path);
  }
  return RunJobs(JobsOf(flags), flags.run);
}

// The split of the folder's jobs; nullopt where --shard says which videos are to be made.
std::optional<SplitOnDevice> SplitOf(const ResumeFlags& flags) {
  const std::vector<BatchJob> jobs = JobsOf(flags);
  if (jobs.empty() || !flags.shard.empty() || !MayBeSplit(jobs.back().flags)) return std::nullopt;
  return SplitJobs(jobs);
}

int ResumeInParts(ResumeFlags flags) {
  const std::optional<SplitOnDevice> split = SplitOf(flags);
  if (split && split->split.parts == 1) UseGpusOf(split->split, flags.run);
  if (!split || split->split.parts == 1) return ResumeJobs(flags);
  JobParts parts(split->split, split->device, ParseProgressStyle(flags.run.progress));
  flags.shard = parts.shard();
  flags.run.options.gpus = split->split.gpus;
  return parts.Run(CancelOnSignals(), [&] { return ResumeJobs(flags); });
}

bool IsTraining(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path folder(path);
  return std::filesystem::is_directory(folder / "checkpoints", ignored) &&
         std::filesystem::is_regular_file(folder / "log.jsonl", ignored);
}

// DIR/job.json stands for DIR.
std::string JobFolder(const std::string& path) {
  const std::filesystem::path file(path);
  if (file.filename() != "job.json") return path;
  return file.has_parent_path() ? file.parent_path().string() : ".";
}

int RunResume(const ResumeFlags& given) {
  ResumeFlags flags = given;
  flags.path = JobFolder(given.path);
  std::error_code ignored;
  if (std::filesystem::is_regular_file(JobFile(flags.path), ignored)) return ResumeInParts(flags);
  if (!flags.shard.empty())
    FailUsage("--shard is for the folder of a job, and {} has no job.json", flags.path);
  if (IsTraining(flags.path)) {
    Fail("{} is the output of a training; the `t3 train CONFIG.json` that began it continues it",
         flags.path);
  }
  const SavedRun saved = FindSavedRun(flags.path);
  GenerateFlags run = FlagsOf(saved.settings, saved.file);
  OverlayMachine(run, flags.run);
  Request& request = run.request;
  request.output.path = flags.output.empty() ? saved.output : flags.output;
  request.checkpoint.resume_from = saved.file;
  if (flags.overwrite) request.output.overwrite = true;
  if (flags.force) request.checkpoint.existing_state = ExistingState::kForce;
  return RunGenerate(run);
}

}  // namespace

void AddResume(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ResumeFlags>();
  CLI::App& command = *app.add_subcommand(
      "resume", "continue a run that was interrupted, killed, or failed while decoding");
  command
      .add_option("path", flags->path,
                  "output of the run, its state file, or a folder with job.json")
      ->required();
  command.add_option("--output", flags->output, "write the video there instead");
  command.add_option("--shard", flags->shard,
                     "I/N: of a job, only videos I, I+N, ...; the others are for other processes");
  AddRunFlags(command, flags->run);
  AddGpusFlag(command, flags->run);
  // These decide the result, so they are the saved run's.
  for (const char* decided : {"--dtype", "--deterministic"})
    command.remove_option(command.get_option(decided));
  command.add_flag("--force", flags->force, "continue even though the model's files have changed");
  command.add_flag("--overwrite", flags->overwrite,
                   "replace an output that is not an earlier result of the same settings");
  command.callback([flags, &action] { action = [flags] { return RunResume(*flags); }; });
}

}  // namespace t3
