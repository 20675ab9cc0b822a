// t3 generate.
#include "cli/generate.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

#include "base/check.h"
#include "base/failure.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/job_folder.h"
#include "cli/job_parts.h"
#include "cli/launch.h"
#include "cli/plan_text.h"
#include "cli/signals.h"
#include "cli/split_job.h"
#include "cli/streams.h"
#include "cli/terminal.h"
#include "t3video/engine.h"
#include "t3video/request_options.h"

namespace t3 {
namespace {

void PrintVideo(Terminal& terminal, const Result& result) {
  WriteResult(Printable(fmt::format("{}  {}x{}, {}{}\n", result.output, result.width, result.height,
                                    Counted(result.frames, "frame"),
                                    result.skipped ? ", already finished" : "")));
  terminal.Finished(result);
}

std::string MessageOf(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (...) {
    return CurrentError().what();
  }
}

void Announce(Terminal& terminal, const RunPlan& plan, const RunOptions& options) {
  terminal.Announce(WithFlags(RunPlanText(plan, options)), RunPlanJson(plan));
  for (const std::string& note : plan.notes) terminal.Note(note);
}

// Plans every entry; those that cannot be run are reported and left out.
class JobPlans {
 public:
  JobPlans(Engine& engine, const std::vector<JobEntry>& entries, Terminal& terminal)
      : terminal_(terminal) {
    for (const JobEntry& entry : entries) {
      try {
        if (!entry.error.empty()) throw Error(entry.error, ErrorKind::kUsage);
        RunPlan plan = engine.Plan(entry.request);
        if (plan.refusal) throw *plan.refusal;
        plans_.push_back(std::move(plan));
        labels_.push_back(entry.label);
      } catch (...) {
        const Error error = CurrentError();
        if (error.kind() == ErrorKind::kUsage) ++wrong_;
        Failed(entry.label, error.what());
      }
    }
  }

  void Run(Engine& engine) {
    const auto finished = [&](size_t index, const Outcome& outcome) {
      if (!outcome.error) return PrintVideo(terminal_, outcome.result);
      Failed(labels_[index], MessageOf(outcome.error));
    };
    engine.RunAll(plans_, terminal_.Progress(), &CancelOnSignals(), finished);
  }

  const std::vector<RunPlan>& plans() const { return plans_; }
  int64_t failed() const { return failed_; }
  // Of these, whose request is wrong: run again, it would fail again.
  int64_t wrong() const { return wrong_; }

 private:
  void Failed(const std::string& label, const std::string& message) {
    terminal_.Failed(label, message);
    ++failed_;
  }

  Terminal& terminal_;
  std::vector<RunPlan> plans_;
  std::vector<std::string> labels_;
  int64_t failed_ = 0;
  int64_t wrong_ = 0;
};

// An interruption says how the whole job continues.
void RunPlans(JobPlans& plans, Engine& engine, const std::string& folder) {
  try {
    plans.Run(engine);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInterrupted || folder.empty()) throw;
    throw Error(fmt::format("{}; `t3 resume {}` continues the job", error.what(), folder),
                error.kind());
  }
}

// What makes the videos that failed; "" where nothing is known to.
std::string HowToContinue(const JobPlans& plans, const BatchJob& job) {
  if (plans.wrong() > 0) {
    return fmt::format("; correct the {} and run the command again",
                       job.flags.prompt_file.empty() ? "command" : "prompt file");
  }
  if (job.folder.empty()) return "";
  return fmt::format("; `t3 resume {}` makes {}", job.folder, plans.failed() == 1 ? "it" : "them");
}

int RunEntries(Engine& engine, BatchJob& job, const RunOptions& options, Terminal& terminal) {
  for (const std::string& note : job.notes) terminal.Note(note);
  JobPlans plans(engine, job.entries, terminal);
  if (plans.plans().empty()) job.change.Undo();
  if (!plans.plans().empty()) Announce(terminal, plans.plans().front(), options);
  if (plans.plans().size() > 1)
    terminal.Note(fmt::format("this is the first of {} videos", plans.plans().size()));
  RunPlans(plans, engine, job.folder);
  if (plans.failed() > 0) {
    terminal.Note(fmt::format("{} of {} failed{}", plans.failed(),
                              Counted(std::ssize(job.entries), "video"),
                              HowToContinue(plans, job)));
  }
  return plans.failed() > 0 ? 1 : 0;
}

// The report of a dry run is what the command was asked for, so it goes to stdout.
void Report(const RunPlan& plan, const RunOptions& options, ProgressStyle style) {
  if (style == ProgressStyle::kJson) return WriteResult(RunPlanJson(plan) + "\n");
  std::string text = RunPlanText(plan, options);
  for (const std::string& note : plan.notes) text += "note: " + note + "\n";
  WriteResult(Printable(WithFlags(text)));
}

// A dry run ends as the run would that is refused.
int RunOne(Engine& engine, const GenerateFlags& flags, const RunOptions& options) {
  const ProgressStyle style = ParseProgressStyle(flags.run.progress);
  Terminal terminal(style);
  const RunPlan plan = engine.Plan(flags.request);
  if (flags.dry_run) Report(plan, options, style);
  // Programs that read the events find the plan among them.
  if (!flags.dry_run || style == ProgressStyle::kJson) Announce(terminal, plan, options);
  if (plan.refusal) throw *plan.refusal;
  if (!flags.dry_run)
    PrintVideo(terminal, engine.Run(plan, terminal.Progress(), &CancelOnSignals()));
  return 0;
}

int Serve(Engine& engine) {
  engine.Serve();
  return 0;
}

// The default output name: words of the prompt, or the name of the list.
std::string DefaultName(const GenerateFlags& flags) {
  constexpr size_t kColumns = 40;
  const Request& request = flags.request;
  const std::string& file = flags.prompt_file.empty() ? request.text_embeds : flags.prompt_file;
  const std::string name = file.empty() ? FileNameWord(request.prompt, kColumns)
                                        : std::filesystem::path(file).stem().string();
  return name.empty() ? "video" : name;
}

// Of the whole job, whose job.json, in a folder, is then written; nullopt where it may not be
// split.
std::optional<SplitOnDevice> SplitNewJob(const GenerateFlags& flags) {
  if (!MayBeSplit(flags)) return std::nullopt;
  // A model that cannot be used fails here, before a folder is made.
  const Engine opened(ToModelFiles(flags.model), ToRunOptions(flags.run));
  BatchJob job = MakeJob(flags);
  SplitOnDevice result = SplitJobs(std::span(&job, 1));
  if (result.split.parts > 1) {
    job.change.Keep();
  } else {
    job.change.Undo();
  }
  return result;
}

// The model is opened first: one that cannot be used leaves no folder.
int RunNewJob(const GenerateFlags& flags) {
  Terminal terminal(ParseProgressStyle(flags.run.progress));
  CancelOnSignals();
  RunOptions options = ToRunOptions(flags.run);
  const Ranks ranks(options);
  Engine engine(ToModelFiles(flags.model), options);
  if (!engine.leads()) return Serve(engine);
  BatchJob job = MakeJob(flags);
  return RunEntries(engine, job, options, terminal);
}

int RunJob(BatchJob& job, const RunOptions& options) {
  Terminal terminal(ParseProgressStyle(job.flags.run.progress));
  Engine engine(ToModelFiles(job.flags.model), options);
  if (!engine.leads()) return Serve(engine);
  return RunEntries(engine, job, options, terminal);
}

int RunInParts(const SplitOnDevice& split, GenerateFlags flags) {
  JobParts parts(split.split, split.device, ParseProgressStyle(flags.run.progress));
  flags.shard = parts.shard();
  flags.run.options.gpus = split.split.gpus;
  return parts.Run(CancelOnSignals(), [&] { return RunNewJob(flags); });
}

}  // namespace

int RunJobs(std::vector<BatchJob> jobs, const RunFlags& machine) {
  CancelOnSignals();
  RunOptions shared = ToRunOptions(machine);
  const Ranks ranks(shared);
  int code = 0;
  for (BatchJob& job : jobs) {
    RunOptions options = ToRunOptions(job.flags.run);
    options.ranks = shared.ranks;
    code = std::max(code, RunJob(job, options));
  }
  return code;
}

int RunGenerate(const GenerateFlags& flags) {
  GenerateFlags settled = flags;
  Request& request = settled.request;
  if (flags.restart) request.checkpoint.existing_state = ExistingState::kDiscard;
  if (IsJob(flags)) {
    if (!request.record.path.empty())
      FailUsage("--record names one file, but each of several videos has a record next to it");
    if (flags.dry_run) FailUsage("--dry-run is for one video");
    if (request.output.path.empty()) request.output.path = DefaultName(flags) + "/";
    const std::optional<SplitOnDevice> split = SplitNewJob(settled);
    if (split && split->split.parts > 1) return RunInParts(*split, settled);
    if (split) UseGpusOf(split->split, settled.run);
    return RunNewJob(settled);
  }
  if (!flags.shard.empty())
    FailUsage(
        "--shard divides the videos of --prompt-file or of several --seeds; this is one video");
  if (!flags.seeds.empty()) request.seed = ParseSeed(SeedTexts(flags).front());
  if (request.output.path.empty()) request.output.path = DefaultName(flags) + ".mp4";
  CancelOnSignals();
  RunOptions options = ToRunOptions(flags.run);
  std::optional<Ranks> ranks;
  if (!flags.dry_run) ranks.emplace(options);  // which plans for the others without them
  Engine engine(ToModelFiles(flags.model), options);
  if (!engine.leads()) return Serve(engine);
  return RunOne(engine, settled, options);
}

void AddGenerate(CLI::App& app, Action& action) {
  auto flags = std::make_shared<GenerateFlags>();
  auto config = std::make_shared<std::string>();
  CLI::App& command = *app.add_subcommand("generate", "make videos from prompts");
  AddGenerateFlags(command, *flags);
  // Both are read before the command line is parsed (cli/config_file.h).
  command.add_option("--config", *config, "JSON object of flags; those of the command line win");
  command.add_option("--from", flags->request.record.compare_with,
                     "record of an earlier video, or the video itself: make it again");
  command.callback([flags, config, &command, &action] {
    const auto given = [&](const char* name) { return command.get_option(name)->count() > 0; };
    // At strength 0 no text is encoded.
    const Request& request = flags->request;
    const bool decodes_only = !request.video.empty() && request.params.strength == 0.0;
    if (!given("--prompt") && !given("--prompt-file") && !given("--text-embeds") && !decodes_only) {
      throw CLI::RequiredError("--prompt, --prompt-file or --text-embeds");
    }
    // Only a record has the digests to compare with.
    std::string& compared = flags->request.record.compare_with;
    if (!compared.empty() && !IsJsonFile(compared)) compared.clear();
    action = [flags] { return RunGenerate(*flags); };
  });
}

}  // namespace t3
