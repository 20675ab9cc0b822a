// t3 generate.
#include "cli/generate.h"

#include <charconv>
#include <filesystem>
#include <memory>

#include "base/check.h"
#include "cli/commands.h"
#include "cli/job_folder.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"
#include "t3video/engine.h"

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
  } catch (const std::exception& e) {
    return e.what();
  }
}

// What the first request that can be planned will do; the others differ in prompt and seed.
void AnnounceJob(Terminal& terminal, const Engine& engine, const std::vector<Request>& requests) {
  if (requests.empty()) return;
  const Report report = engine.Describe(requests.front());
  terminal.Announce(report.text, report.json);
  if (requests.size() > 1)
    terminal.Note(fmt::format("this is the first of {} videos", requests.size()));
}

int RunEntries(Engine& engine, const std::vector<JobEntry>& entries, Terminal& terminal) {
  std::vector<Request> requests;
  std::vector<const JobEntry*> made;
  int64_t failed = 0;
  for (const JobEntry& entry : entries) {
    if (entry.error.empty()) {
      requests.push_back(entry.request);
      made.push_back(&entry);
    } else {
      terminal.Failed(entry.label, entry.error);
      ++failed;
    }
  }
  AnnounceJob(terminal, engine, requests);
  const auto finished = [&](size_t index, const Outcome& outcome) {
    if (!outcome.error) return PrintResult(terminal, outcome.result);
    terminal.Failed(made[index]->label, MessageOf(outcome.error));
    ++failed;
  };
  engine.GenerateAll(requests, terminal.Progress(), &CancelOnSignals(), finished);
  if (failed > 0) terminal.Note(fmt::format("{} of {} prompts failed", failed, entries.size()));
  return failed > 0 ? 1 : 0;
}

int RunOne(Engine& engine, const Request& request, Terminal& terminal, bool dry_run) {
  const Report report = engine.Describe(request);
  terminal.Announce(report.text, report.json);
  if (dry_run) return 0;
  PrintResult(terminal, engine.Generate(request, terminal.Progress(), &CancelOnSignals()));
  return 0;
}

void AddSamplingFlags(CLI::App& app, GenerateFlags& flags) {
  Request& request = flags.request;
  app.add_option("--size", flags.size, "WIDTHxHEIGHT in pixels");
  app.add_option("--frames", request.frames, "frames to make, 4n+1");
  app.add_option("--fps", request.fps, "frames a second of the file");
  AddSolverFlags(app, request);
  CLI::Option* seed =
      app.add_option("--seed", request.seed, "seed of the noise")->capture_default_str();
  app.add_option("--seeds", flags.seeds, "several seeds, \"0,1,2\": a numbered video for each")
      ->excludes(seed);
  app.add_option("--image", request.image, "first frame (image to video, Wan2.2-TI2V)");
  app.add_option("--attention", request.attention, "auto, t3, full, close, remote or swin")
      ->capture_default_str();
  app.add_option("--windows", request.windows,
                 "window counts \"t,h,w;t,h,w;...\", layer i uses entry i mod length");
  app.add_option("--noise", request.noise,
                 "file with tensor `noise` (z,T,h,w) in place of the seed's");
}

void AddTextFlags(CLI::App& app, GenerateFlags& flags) {
  Request& request = flags.request;
  CLI::Option* prompt = app.add_option("--prompt", request.prompt, "what the video shows");
  CLI::Option* file = app.add_option("--prompt-file", flags.prompt_file,
                                     "JSON list or text file of prompts; outputs are numbered");
  CLI::Option* embeds = app.add_option("--text-embeds", request.text_embeds,
                                       "file of `t3 encode-text` in place of a prompt");
  file->excludes(prompt)->excludes(embeds);
  app.add_option("--negative-prompt", request.negative_prompt, "what the video should not show");
}

// What keeps a long run safe and watched.
void AddSafetyFlags(CLI::App& app, GenerateFlags& flags) {
  Request& request = flags.request;
  app.add_option("--checkpoint-every", request.checkpoint_every,
                 "steps between two states beside the output, 0 for none (default: about every two "
                 "minutes)")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--no-save-latents", flags.no_save_latents,
               "do not keep the final latents on disk until the video is complete");
  app.add_flag("--restart", flags.restart,
               "begin anew where an earlier run left its state or its finished video");
  app.add_option("--save-latents", request.save_latents, "write the final latents to this file");
  app.add_option("--preview", request.preview,
                 "PNG file for a small picture of the current guess, renewed while it runs");
  app.add_option("--preview-every", request.preview_every, "steps between two previews")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option(
      "--record", request.record,
      "JSON file for all settings, times and digests, as prompt files get by themselves");
  app.add_flag("--dry-run", flags.dry_run, "say what would be done, and end");
}

}  // namespace

void AddGenerateFlags(CLI::App& app, GenerateFlags& flags) {
  AddModelFlags(app, flags.model);
  AddLoraFlag(app, flags.model);
  AddTextFlags(app, flags);
  AddSamplingFlags(app, flags);
  AddRunFlags(app, flags.run);
  AddSafetyFlags(app, flags);
  app.add_option("--output", flags.request.output,
                 "F.mp4, F.mkv, F.y4m, F.safetensors (latents) or DIR/ for PNG frames; with "
                 "--prompt-file DIR/ gets numbered MP4 files")
      ->required();
  AddFileFlags(app, flags.request.file);
}

std::vector<uint64_t> SeedsOf(const GenerateFlags& flags) {
  if (flags.seeds.empty()) return {flags.request.seed};
  std::vector<uint64_t> seeds;
  const char* at = flags.seeds.data();
  const char* const end = at + flags.seeds.size();
  while (true) {
    uint64_t seed = 0;
    const auto [stop, status] = std::from_chars(at, end, seed);
    if (status != std::errc() || (stop != end && *stop != ','))
      FailUsage("--seeds '{}' is no list of seeds, e.g. 0,1,2", flags.seeds);
    seeds.push_back(seed);
    if (stop == end) return seeds;
    at = stop + 1;
  }
}

bool IsJob(const GenerateFlags& flags) {
  return !flags.prompt_file.empty() || SeedsOf(flags).size() > 1;
}

int RunGenerate(const GenerateFlags& flags) {
  Terminal terminal(ParseProgressStyle(flags.run.progress));
  GenerateFlags settled = flags;
  Request& request = settled.request;
  if (!flags.size.empty()) std::tie(request.width, request.height) = ParseSize(flags.size);
  request.keep_latents = !flags.no_save_latents;
  if (flags.restart) request.existing_state = ExistingState::kDiscard;
  if (IsJob(flags) && !request.record.empty())
    FailUsage("--record names one file, but each of several videos has a record beside it anyway");
  if (IsJob(flags) && flags.dry_run) FailUsage("--dry-run is for one video");
  const std::vector<JobEntry> entries = MakeEntries(settled);
  CancelOnSignals();
  Engine engine(ToModelFiles(flags.model), ToRunOptions(flags.run));
  if (IsJob(flags)) return RunEntries(engine, entries, terminal);
  return RunOne(engine, entries.front().request, terminal, flags.dry_run);
}

void AddGenerate(CLI::App& app, Action& action) {
  auto flags = std::make_shared<GenerateFlags>();
  auto config = std::make_shared<std::string>();
  CLI::App& command = *app.add_subcommand("generate", "make videos from prompts");
  AddGenerateFlags(command, *flags);
  // Both are read before the command line is parsed (cli/config_file.h).
  command.add_option("--config", *config, "JSON object of flags; those given here win");
  command.add_option("--from", flags->request.repeats,
                     "JSON record of an earlier video: make it again");
  command.callback([flags, config, &command, &action] {
    const auto given = [&](const char* name) { return command.get_option(name)->count() > 0; };
    if (!given("--prompt") && !given("--prompt-file") && !given("--text-embeds")) {
      throw CLI::RequiredError("--prompt, --prompt-file or --text-embeds");
    }
    action = [flags] { return RunGenerate(*flags); };
  });
}

}  // namespace t3
