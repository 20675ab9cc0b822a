// t3 prepare.
#include "t3video/prepare.h"

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

struct PrepareFlags {
  ModelFlags model;
  RunFlags run;
  PrepareRequest request;
  std::vector<std::string> sizes;
  std::string draft;
};

void PrintPrepared(const PrepareRequest& request, const PrepareResult& result) {
  for (const RejectedSource& source : result.rejected) {
    WriteLog(Printable(fmt::format("rejected: {}: {}\n", source.file, WithFlags(source.reason))));
  }
  if (!result.rejected.empty()) {
    WriteLog(fmt::format("{} rejected, listed in {}/rejected.json\n", result.rejected.size(),
                         request.output));
  }
  if (result.removed > 0) {
    WriteLog(
        fmt::format("note: {} of an earlier run dropped: the files are gone, changed or rejected\n",
                    Counted(result.removed, "clip")));
  }
  PrintResult("{}  {} ({} new), {}\n", request.output, Counted(result.clips, "clip"),
              result.encoded, Counted(result.captions, "caption"));
  for (const std::string& bucket : result.buckets) PrintResult("  {}\n", bucket);
}

int RunPrepare(const PrepareFlags& flags) {
  PrepareRequest request = flags.request;
  for (const std::string& text : flags.sizes) {
    const VideoSize size = ParseSize(text);
    request.sizes.emplace_back(size.width, size.height);
  }
  if (!flags.draft.empty()) {
    const VideoSize size = ParseSize(flags.draft, "draft");
    request.draft = {size.width, size.height};
  }
  Terminal terminal(ParseProgressStyle(flags.run.progress));
  const PrepareResult result = Prepare(ToModelFiles(flags.model), ToRunOptions(flags.run), request,
                                       terminal.Progress(), &CancelOnSignals());
  terminal.EndLine();
  PrintPrepared(request, result);
  return 0;
}

}  // namespace

void AddPrepare(CLI::App& app, Action& action) {
  auto flags = std::make_shared<PrepareFlags>();
  PrepareRequest& request = flags->request;
  CLI::App& command =
      *app.add_subcommand("prepare", "encode captioned videos and images once, for training");
  command
      .add_option("source", request.source,
                  "folder (NAME.txt next to each file, or captions.json), .json or .jsonl list")
      ->required();
  AddModelFlags(command, flags->model);
  command.add_option("--output", request.output, "folder of the dataset; continued when it exists")
      ->required();
  command
      .add_option("--size", flags->sizes,
                  "WIDTHxHEIGHT of the clips; several: repeat the option or write 'A,B'")
      ->take_all()
      ->expected(1)
      ->delimiter(',');
  command.add_option("--frames", request.frames, "frames per clip, 4n+1; several: as for --size")
      ->take_all()
      ->expected(1)
      ->delimiter(',');
  command.add_option("--fps", request.fps, "frames per second of the clips");
  command
      .add_option("--clips-per-video", request.clips_per_video,
                  "maximum number of clips from one video, spread over it without overlap")
      ->capture_default_str();
  command
      .add_option("--max-upscale", request.max_upscale,
                  "maximum factor by which a smaller video or image is enlarged")
      ->capture_default_str();
  command.add_option("--draft", flags->draft,
                     "also encode each clip's draft of WIDTHxHEIGHT, enlarged: to train a refiner");
  AddRunFlags(command, flags->run);
  // Preparing needs little host memory.
  command.remove_option(command.get_option("--host-memory-limit"));
  command.callback([flags, &action] { action = [flags] { return RunPrepare(*flags); }; });
}

}  // namespace t3
