// t3 eval.
#include "t3video/eval.h"

#include <CLI/App.hpp>
#include <cstdio>
#include <memory>
#include <sstream>
#include <tuple>
#include <vector>

#include "base/atomic_file.h"
#include "base/check.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/signals.h"
#include "cli/terminal.h"

namespace t3 {
namespace {

struct EvalFlags {
  EvalRequest request;
  ModelFlags model;
  RunFlags run;
  std::string size;
  bool truth = false;
  bool vae_only = false;
  std::vector<std::string> compare;
  std::optional<double> margin;
};

// "a.json,b.json" -> both.
std::vector<std::string> FilesOf(const std::string& list) {
  std::vector<std::string> files;
  std::istringstream stream(list);
  for (std::string file; std::getline(stream, file, ',');) files.push_back(file);
  return files;
}

int RunCompare(const EvalFlags& flags) {
  const Report report =
      CompareEvals(FilesOf(flags.compare[0]), FilesOf(flags.compare[1]), flags.margin);
  fmt::print("{}", report.text);
  if (!flags.request.json.empty()) WriteAtomically(flags.request.json, report.json + "\n");
  return 0;
}

int RunEval(const EvalFlags& flags) {
  if (!flags.compare.empty()) return RunCompare(flags);
  if (flags.margin) FailUsage("--margin is for --compare");
  EvalRequest request = flags.request;
  if (flags.truth) request.source = EvalSource::kTruth;
  if (flags.vae_only) request.source = EvalSource::kVae;
  if (!flags.size.empty()) std::tie(request.width, request.height) = ParseSize(flags.size);
  Terminal terminal(ParseProgressStyle(flags.run.progress));
  const EvalResult result = Evaluate(ToModelFiles(flags.model), ToRunOptions(flags.run), request,
                                     terminal.Progress(), &CancelOnSignals());
  terminal.EndLine();
  fmt::print("{}", result.report.text);
  return result.interrupted ? kExitInterrupted : 0;
}

void AddSizeFlags(CLI::App& app, EvalFlags& flags) {
  EvalRequest& request = flags.request;
  app.add_option("--clips", request.clips, "held-out scenes to make")->capture_default_str();
  app.add_option("--first-seed", request.first_seed, "of the first scene; the others follow")
      ->capture_default_str();
  app.add_option("--size", flags.size, "WIDTHxHEIGHT in pixels");
  app.add_option("--frames", request.frames, "frames of a clip, 4n+1");
  AddSolverFlags(app, request);
  app.add_option("--attention", request.attention, "auto, t3, full, close, remote or swin")
      ->capture_default_str();
  app.add_option("--windows", request.windows, "window counts \"t,h,w;t,h,w;...\"");
  app.add_option("--seed", request.seed, "of the first clip's noise; the others follow")
      ->capture_default_str();
  app.add_option("--batch", request.batch, "clips denoised together; 0: what suits the device")
      ->capture_default_str();
  app.add_option("--loss-clips", request.loss_clips,
                 "held-out scenes whose flow-matching loss is measured")
      ->capture_default_str();
}

}  // namespace

void AddEval(CLI::App& app, Action& action) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App& command =
      *app.add_subcommand("eval", "measure a model on held-out scenes of the procedural world");
  AddModelFlags(command, flags->model);
  AddLoraFlag(command, flags->model);
  AddSizeFlags(command, *flags);
  AddRunFlags(command, flags->run);
  CLI::Option* truth = command.add_flag("--truth", flags->truth,
                                        "measure the true renders: what the measures are worth");
  command.add_flag("--vae-only", flags->vae_only, "measure the true renders through the VAE")
      ->excludes(truth);
  command.add_option("--json", flags->request.json, "file for all values, renewed while it runs");
  command.add_option("--save-sheet", flags->request.sheet,
                     "PNG file with a frame of the first clips, the truth below each");
  command
      .add_option("--compare", flags->compare,
                  "A.json B.json: by how much B is better, scene by scene; A1.json,A2.json "
                  "B1.json,B2.json: means over training seeds")
      ->expected(2);
  command.add_option("--margin", flags->margin,
                     "with --compare: what the intervals have to lie above, e.g. -0.05");
  command.callback([flags, &action] { action = [flags] { return RunEval(*flags); }; });
}

}  // namespace t3
