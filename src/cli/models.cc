// The other commands that run a model: t3 decode, t3 encode-text.
#include <CLI/App.hpp>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/check.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/launch.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"
#include "t3video/engine.h"

namespace t3 {
namespace {

struct DecodeFlags {
  ModelFlags model;
  RunFlags run;
  OutputOptions output;
  std::string latents;
};

struct EncodeTextFlags {
  ModelFlags model;
  RunFlags run;
  std::string prompt;
  std::optional<std::string> negative_prompt;
  std::string output;
  bool overwrite = false;
};

}  // namespace

void AddDecode(CLI::App& app, Action& action) {
  auto flags = std::make_shared<DecodeFlags>();
  CLI::App& command = *app.add_subcommand("decode", "decode a latents file to a video");
  command.add_option("latents", flags->latents, "safetensors file with tensor `latents` (z,T,h,w)")
      ->required();
  AddModelFlags(command, flags->model);
  AddDecoderFlag(command, flags->model);
  AddRunFlags(command, flags->run);
  AddGpusFlag(command, flags->run);
  command.add_option("--fps", flags->output.fps, "frames per second of the file");
  command.add_option("--last-frame", flags->output.file.last_frame,
                     "stop after this frame, counted from 1");
  command
      .add_option(
          "-o,--output", flags->output.path,
          "F.mp4, F.mkv, F.mov, F.webm, F.y4m, F.gif, F.webp, F.png (one frame), DIR/ for PNG "
          "frames, or F.safetensors (tensor `video`)")
      ->required();
  AddFileFlags(command, flags->output.file);
  command.add_flag("--overwrite", flags->output.overwrite,
                   "replace an output that was not decoded from the same latents");
  command.callback([flags, &action] {
    action = [flags] {
      CancelOnSignals();
      RunOptions options = ToRunOptions(flags->run);
      const Ranks ranks(options);
      Engine engine(ToModelFiles(flags->model), options);
      if (!engine.leads()) {
        engine.Serve();
        return 0;
      }
      Terminal terminal(ParseProgressStyle(flags->run.progress));
      const Result result =
          engine.Decode(flags->latents, flags->output, terminal.Progress(), &CancelOnSignals());
      PrintResult("{}  {}x{}, {}\n", result.output, result.width, result.height,
                  Counted(result.frames, "frame"));
      return 0;
    };
  });
}

void AddEncodeText(CLI::App& app, Action& action) {
  auto flags = std::make_shared<EncodeTextFlags>();
  CLI::App& command = *app.add_subcommand("encode-text", "encode prompts once, for --text-embeds");
  AddModelFlags(command, flags->model);
  AddRunFlags(command, flags->run);
  command.add_option("-p,--prompt", flags->prompt, "what the video shows")->required();
  command.add_option("--negative-prompt", flags->negative_prompt, "what the video should not show");
  command.add_option("-o,--output", flags->output, "safetensors file to write")->required();
  command.add_flag("--overwrite", flags->overwrite,
                   "replace a file that `t3 encode-text` did not write");
  command.callback([flags, &action] {
    action = [flags] {
      Engine engine(ToModelFiles(flags->model), ToRunOptions(flags->run));
      Terminal terminal(ParseProgressStyle(flags->run.progress));
      engine.EncodeText(flags->prompt, flags->negative_prompt, flags->output, terminal.Progress(),
                        &CancelOnSignals(), flags->overwrite);
      PrintResult("{}\n", flags->output);
      return 0;
    };
  });
}

}  // namespace t3
