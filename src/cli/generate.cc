// t3 generate.
#include <CLI/App.hpp>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/bytes.h"
#include "base/check.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "t3video/engine.h"
#include "t3video/tools.h"

namespace t3 {
namespace {

struct GenerateFlags {
  ModelFlags model;
  RunFlags run;
  Request request;
  std::string prompt_file;
  std::string size;
};

// One request to make, or an entry that cannot be made and why.
struct Entry {
  std::string label;
  Request request;
  std::string error;
};

// "A cat, on a mat!" -> "a-cat-on-a-mat", at most 40 characters.
std::string Slug(const std::string& prompt) {
  std::string slug;
  for (const char c : prompt) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) {
      slug += static_cast<char>(std::tolower(byte));
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
    if (slug.size() == 40) break;
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug;
}

// Where entry `number` of a prompt file goes: DIR/ -> DIR/007-slug.mp4, X.mp4 -> X-007.mp4.
std::string NumberedPath(const std::string& path, int64_t number, const std::string& prompt) {
  namespace fs = std::filesystem;
  if (path.empty()) return path;
  if (path.back() == '/' || fs::is_directory(path)) {
    const std::string slug = Slug(prompt);
    return (fs::path(path) / fmt::format("{:03}{}{}.mp4", number, slug.empty() ? "" : "-", slug))
        .string();
  }
  const fs::path base(path);
  return (base.parent_path() /
          fmt::format("{}-{:03}{}", base.stem().string(), number, base.extension().string()))
      .string();
}

std::vector<Entry> ReadEntries(const GenerateFlags& flags) {
  if (flags.prompt_file.empty()) return {{"", flags.request, ""}};
  const std::string& output = flags.request.output;
  if (!output.empty() && output.back() == '/') std::filesystem::create_directories(output);
  std::vector<Entry> entries;
  for (const PromptEntry& prompt : ReadPromptFile(flags.prompt_file)) {
    Entry entry{fmt::format("{}:{}", flags.prompt_file, prompt.number), flags.request,
                prompt.error};
    entry.request.prompt = prompt.prompt;
    entry.request.output = NumberedPath(output, prompt.number, prompt.prompt);
    entry.request.save_latents =
        NumberedPath(flags.request.save_latents, prompt.number, prompt.prompt);
    entries.push_back(std::move(entry));
  }
  return entries;
}

void PrintResult(const Result& result) {
  fmt::print("{}  {}x{}, {} frames\n", result.output, result.width, result.height, result.frames);
  std::fflush(stdout);
  for (const std::string& note : result.notes) fmt::print(stderr, "note: {}\n", note);
  for (const Result::Stage& stage : result.stages) {
    const std::string memory =
        stage.device_peak_bytes > 0 ? ", peak " + FormatBytes(stage.device_peak_bytes) : "";
    fmt::print(stderr, "  {}: {}{}\n", stage.name, FormatSeconds(stage.seconds), memory);
  }
}

int RunEntries(Engine& engine, const std::vector<Entry>& entries) {
  Terminal terminal;
  std::vector<Request> requests;
  std::vector<const Entry*> made;
  int64_t failed = 0;
  for (const Entry& entry : entries) {
    if (entry.error.empty()) {
      requests.push_back(entry.request);
      made.push_back(&entry);
    } else {
      fmt::print(stderr, "t3: error: {}: {}\n", entry.label, entry.error);
      ++failed;
    }
  }
  const auto finished = [&](size_t index, const Outcome& outcome) {
    terminal.EndLine();
    if (!outcome.error) {
      PrintResult(outcome.result);
      return;
    }
    try {
      std::rethrow_exception(outcome.error);
    } catch (const std::exception& error) {
      fmt::print(stderr, "t3: error: {}: {}\n", made[index]->label, error.what());
      ++failed;
    }
  };
  engine.GenerateAll(requests, terminal.Progress(), &CancelOnSignals(), finished);
  if (failed > 0) fmt::print(stderr, "{} of {} prompts failed\n", failed, entries.size());
  return failed > 0 ? 1 : 0;
}

int RunGenerate(const GenerateFlags& flags) {
  GenerateFlags settled = flags;
  if (!flags.size.empty())
    std::tie(settled.request.width, settled.request.height) = ParseSize(flags.size);
  const ModelFiles files = ToModelFiles(flags.model);
  const RunOptions options = ToRunOptions(flags.run);
  const std::vector<Entry> entries = ReadEntries(settled);
  CancelOnSignals();
  Engine engine(files, options);
  if (!flags.prompt_file.empty()) return RunEntries(engine, entries);
  Terminal terminal;
  const Result result =
      engine.Generate(entries.front().request, terminal.Progress(), &CancelOnSignals());
  terminal.EndLine();
  PrintResult(result);
  return 0;
}

void AddSamplingFlags(CLI::App& app, Request& request) {
  app.add_option("--frames", request.frames, "frames to make, 4n+1");
  app.add_option("--fps", request.fps, "frames a second of the file");
  app.add_option("--steps", request.steps, "denoising steps");
  app.add_option("--guidance", request.guidance, "guidance scale; 1 runs one branch");
  app.add_option("--shift", request.shift, "shift of the noise schedule");
  app.add_option("--sampler", request.sampler, "euler or unipc");
  app.add_option("--seed", request.seed, "seed of the noise")->capture_default_str();
  app.add_option("--image", request.image, "first frame (image to video, Wan2.2-TI2V)");
  app.add_option("--attention", request.attention, "auto, t3, full, close, remote or swin")
      ->capture_default_str();
  app.add_option("--windows", request.windows,
                 "window counts \"t,h,w;t,h,w;...\", layer i uses entry i mod length");
}

}  // namespace

void AddGenerate(CLI::App& app, Action& action) {
  auto flags = std::make_shared<GenerateFlags>();
  Request& request = flags->request;
  CLI::App& command = *app.add_subcommand("generate", "make videos from prompts");
  AddModelFlags(command, flags->model);
  AddLoraFlag(command, flags->model);
  CLI::Option* prompt = command.add_option("--prompt", request.prompt, "what the video shows");
  CLI::Option* file = command.add_option("--prompt-file", flags->prompt_file,
                                         "JSON list or text file of prompts; outputs are numbered");
  CLI::Option* embeds = command.add_option("--text-embeds", request.text_embeds,
                                           "file of `t3 encode-text` in place of a prompt");
  file->excludes(prompt)->excludes(embeds);
  command.add_option("--negative-prompt", request.negative_prompt,
                     "what the video should not show");
  command.add_option("--size", flags->size, "WIDTHxHEIGHT in pixels");
  AddSamplingFlags(command, request);
  AddRunFlags(command, flags->run);
  command.add_option("--noise", request.noise,
                     "file with tensor `noise` (z,T,h,w) in place of the seed's");
  command.add_option("--save-latents", request.save_latents,
                     "write the final latents to this file");
  command
      .add_option("--output", request.output,
                  "F.mp4, F.mkv, F.y4m, F.safetensors (latents) or DIR/ for PNG frames; with "
                  "--prompt-file DIR/ gets numbered MP4 files")
      ->required();
  AddFileFlags(command, request.file);
  command.callback([flags, prompt, file, embeds, &action] {
    if (prompt->count() + file->count() + embeds->count() == 0) {
      throw CLI::RequiredError("--prompt, --prompt-file or --text-embeds");
    }
    action = [flags] { return RunGenerate(*flags); };
  });
}

}  // namespace t3
