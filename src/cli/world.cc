// t3 world.
#include "t3video/world.h"

#include <CLI/App.hpp>
#include <cstdio>
#include <memory>

#include "base/check.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"

namespace t3 {
namespace {

struct WorldFlags {
  WorldRequest request;
  std::string size = "256x144";
};

int RunWorld(const WorldFlags& flags) {
  WorldRequest request = flags.request;
  const VideoSize size = ParseSize(flags.size);
  request.width = size.width;
  request.height = size.height;
  Terminal terminal;
  MakeWorld(request, terminal.Progress(), &CancelOnSignals());
  terminal.EndLine();
  PrintResult("{}  {}, {}x{}, {}, captions.json\n", request.output, Counted(request.count, "clip"),
              request.width, request.height, Counted(request.frames, "frame"));
  return 0;
}

}  // namespace

void AddWorld(CLI::App& app, Action& action) {
  auto flags = std::make_shared<WorldFlags>();
  WorldRequest& request = flags->request;
  CLI::App& command =
      *app.add_subcommand("world", "render captioned clips of a synthetic world to train on");
  AddSeedFlag(command, "--seed", "seed of the first clip; each later clip has the next one",
              request.seed);
  command.add_option("--count", request.count, "number of clips")->capture_default_str();
  command.add_option("--size", flags->size, "WIDTHxHEIGHT, up to 4K and beyond")
      ->capture_default_str();
  command.add_option("--frames", request.frames, "frames per clip")->capture_default_str();
  command.add_option("--fps", request.fps, "frames per second")->capture_default_str();
  command.add_option("--format", request.format, "mp4, mkv, y4m, or png for folders of pictures")
      ->capture_default_str();
  command.add_option("--device", request.device, "auto, cpu, cuda or cuda:N")
      ->capture_default_str();
  command
      .add_option(
          "--output", request.output,
          "folder for the clips and captions.json; existing clips of the same settings stay")
      ->required();
  command.add_flag("--overwrite", request.overwrite,
                   "replace files of the clips' names that are not such clips");
  command.callback([flags, &action] { action = [flags] { return RunWorld(*flags); }; });
}

}  // namespace t3
