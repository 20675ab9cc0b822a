// t3 generate.
#include "cli/generate.h"

#include <filesystem>
#include <memory>
#include <sstream>

#include "base/check.h"
#include "base/failure.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/job_folder.h"
#include "cli/plan_text.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"
#include "t3video/engine.h"
#include "t3video/request_options.h"

namespace t3 {
namespace {

void PrintResult(Terminal& terminal, const Result& result) {
  WriteResult(fmt::format("{}  {}x{}, {} frames{}\n", result.output, result.width, result.height,
                          result.frames, result.skipped ? ", was finished already" : ""));
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
        if (!entry.error.empty()) throw Error(entry.error);
        plans_.push_back(engine.Plan(entry.request));
        labels_.push_back(entry.label);
      } catch (...) {
        Failed(entry.label, CurrentError().what());
      }
    }
  }

  void Run(Engine& engine) {
    const auto finished = [&](size_t index, const Outcome& outcome) {
      if (!outcome.error) return PrintResult(terminal_, outcome.result);
      Failed(labels_[index], MessageOf(outcome.error));
    };
    engine.RunAll(plans_, terminal_.Progress(), &CancelOnSignals(), finished);
  }

  const std::vector<RunPlan>& plans() const { return plans_; }
  int64_t failed() const { return failed_; }

 private:
  void Failed(const std::string& label, const std::string& message) {
    terminal_.Failed(label, message);
    ++failed_;
  }

  Terminal& terminal_;
  std::vector<RunPlan> plans_;
  std::vector<std::string> labels_;
  int64_t failed_ = 0;
};

int RunEntries(Engine& engine, const std::vector<JobEntry>& entries, const RunOptions& options,
               Terminal& terminal) {
  JobPlans job(engine, entries, terminal);
  if (!job.plans().empty()) Announce(terminal, job.plans().front(), options);
  if (job.plans().size() > 1)
    terminal.Note(fmt::format("this is the first of {} videos", job.plans().size()));
  job.Run(engine);
  if (job.failed() > 0)
    terminal.Note(fmt::format("{} of {} prompts failed", job.failed(), entries.size()));
  return job.failed() > 0 ? 1 : 0;
}

// A dry run ends as the run would that is refused.
int RunOne(Engine& engine, const Request& request, const RunOptions& options, Terminal& terminal,
           bool dry_run) {
  const RunPlan plan = engine.Plan(request);
  Announce(terminal, plan, options);
  if (plan.refusal) throw *plan.refusal;
  if (!dry_run) PrintResult(terminal, engine.Run(plan, terminal.Progress(), &CancelOnSignals()));
  return 0;
}

// What is about the command, not about a video.
void AddJobFlags(CLI::App& app, GenerateFlags& flags) {
  CLI::Option* file =
      app.add_option("--prompt-file", flags.prompt_file,
                     "list of prompts: JSON, JSON lines, CSV with a header, or text; outputs are "
                     "numbered")
          ->group("Prompt");
  file->excludes(app.get_option("--prompt"))->excludes(app.get_option("--text-embeds"));
  app.add_option("--seeds", flags.seeds, "several seeds, \"0,1,2\": a numbered video for each")
      ->group("Sampling")
      ->excludes(app.get_option("--seed"));
  app.add_flag("--restart", flags.restart,
               "start again when an earlier run left its state or its finished video")
      ->group("Checkpoints and previews");
  app.add_flag("--dry-run", flags.dry_run, "report what would be done, and exit");
}

}  // namespace

void AddGenerateFlags(CLI::App& app, GenerateFlags& flags) {
  VisitRequestOptions(
      flags.request, [&](const Option& option, auto& value) { AddOptionFlag(app, option, value); });
  AddModelFlags(app, flags.model);
  AddDecoderFlag(app, flags.model);
  AddLoraFlag(app, flags.model);
  AddRunFlags(app, flags.run);
  AddJobFlags(app, flags);
}

std::vector<uint64_t> SeedsOf(const GenerateFlags& flags) {
  if (flags.seeds.empty()) return {flags.request.seed.value_or(0)};
  std::vector<uint64_t> seeds;
  std::istringstream list(flags.seeds);
  for (std::string seed; std::getline(list, seed, ',');) seeds.push_back(ParseSeed(seed));
  return seeds;
}

bool IsJob(const GenerateFlags& flags) {
  return !flags.prompt_file.empty() || SeedsOf(flags).size() > 1;
}

// A name for what is made when none was given: words of the prompt, or the list's own name.
std::string DefaultName(const GenerateFlags& flags) {
  constexpr size_t kColumns = 40;
  const Request& request = flags.request;
  const std::string& file = flags.prompt_file.empty() ? request.text_embeds : flags.prompt_file;
  const std::string name = file.empty() ? FileNameWord(request.prompt, kColumns)
                                        : std::filesystem::path(file).stem().string();
  return name.empty() ? "video" : name;
}

int RunJob(const BatchJob& job) {
  Terminal terminal(ParseProgressStyle(job.flags.run.progress));
  for (const std::string& note : job.notes) terminal.Note(note);
  CancelOnSignals();
  const RunOptions options = ToRunOptions(job.flags.run);
  Engine engine(ToModelFiles(job.flags.model), options);
  return RunEntries(engine, job.entries, options, terminal);
}

int RunGenerate(const GenerateFlags& flags) {
  GenerateFlags settled = flags;
  Request& request = settled.request;
  if (flags.restart) request.checkpoint.existing_state = ExistingState::kDiscard;
  if (IsJob(flags)) {
    if (!request.record.path.empty())
      FailUsage("--record names one file, but each of several videos has its own record beside it");
    if (flags.dry_run) FailUsage("--dry-run is for one video");
    if (request.output.path.empty()) request.output.path = DefaultName(flags) + "/";
    return RunJob(MakeJob(settled));
  }
  if (!flags.seeds.empty()) request.seed = SeedsOf(flags).front();
  if (request.output.path.empty()) request.output.path = DefaultName(flags) + ".mp4";
  Terminal terminal(ParseProgressStyle(flags.run.progress));
  CancelOnSignals();
  const RunOptions options = ToRunOptions(flags.run);
  Engine engine(ToModelFiles(flags.model), options);
  return RunOne(engine, request, options, terminal, flags.dry_run);
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
    if (!given("--prompt") && !given("--prompt-file") && !given("--text-embeds")) {
      throw CLI::RequiredError("--prompt, --prompt-file or --text-embeds");
    }
    // Only a record has the digests to compare with.
    std::string& compared = flags->request.record.compare_with;
    if (!compared.empty() && !IsJsonFile(compared)) compared.clear();
    action = [flags] { return RunGenerate(*flags); };
  });
}

}  // namespace t3
