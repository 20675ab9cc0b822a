// t3 eval.
#include "t3video/eval.h"

#include <CLI/App.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <vector>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/extension.h"
#include "base/json.h"
#include "base/parse_number.h"
#include "cli/commands.h"
#include "cli/eval_text.h"
#include "cli/flags.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"

namespace t3 {
namespace {

struct EvalFlags {
  EvalRequest request;
  ModelFlags model;
  RunFlags run;
  std::string enlarged_from;
  bool truth = false;
  bool vae_only = false;
  std::vector<std::string> compare;
  std::optional<double> margin;
  std::vector<std::string> table;
  std::string against;
  std::vector<std::string> margins;
};

// "a.json,b.json" -> both.
std::vector<std::string> FilesOf(const std::string& list) {
  std::vector<std::string> files;
  std::istringstream stream(list);
  for (std::string file; std::getline(stream, file, ',');) files.push_back(file);
  return files;
}

nlohmann::json ReadJsonOrNull(const std::string& path) {
  try {
    return ReadJson(path, kLongLists);
  } catch (const Error&) {
    return nullptr;
  }
}

// An earlier comparison may be replaced, which lists its measures; any other file is not.
void WriteComparison(const EvalRequest& request, const std::string& json) {
  std::error_code ignored;
  if (std::filesystem::exists(request.json, ignored) && !request.overwrite) {
    const nlohmann::json existing = ReadJsonOrNull(request.json);
    T3_CHECK(existing.is_object() && existing.contains("measures") && existing.contains("a"),
             "{} exists and is not an earlier comparison; --overwrite replaces it, or name another "
             "file",
             request.json);
  }
  WriteAtomically(request.json, json + "\n");
}

int RunCompare(const EvalFlags& flags) {
  CheckExtension("--json", flags.request.json, ".json");
  if (flags.compare.size() != 2) {
    FailUsage("--compare takes two files, or two lists of them, got {}", flags.compare.size());
  }
  const std::vector<std::string> a = FilesOf(flags.compare[0]), b = FilesOf(flags.compare[1]);
  const EvalComparison comparison = CompareEvals(a, b, flags.margin);
  if (!flags.request.json.empty())
    WriteComparison(flags.request, ComparisonJson(comparison, a, b, flags.margin));
  PrintResult("{}", ComparisonText(comparison, flags.margin));
  return 0;
}

// "NAME=VALUE" -> both.
std::pair<std::string, std::string> Assigned(const std::string& text, const char* flag) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos) FailUsage("{} {}: wanted NAME=VALUE", flag, text);
  return {text.substr(0, equals), text.substr(equals + 1)};
}

int RunTable(const EvalFlags& flags) {
  std::vector<NamedEvals> named;
  for (const std::string& text : flags.table) {
    const auto [name, files] = Assigned(text, "--table");
    named.push_back({name, FilesOf(files)});
  }
  std::vector<std::pair<std::string, double>> margins;
  for (const std::string& text : flags.margins) {
    const auto [name, value] = Assigned(text, "--margins");
    const std::optional<double> margin = ParseNumber<double>(value);
    if (!margin || !std::isfinite(*margin))
      FailUsage("--margins {}: {} is not a finite number", text, value);
    margins.emplace_back(name, *margin);
  }
  PrintResult("{}", flags.against.empty()
                        ? TableText(TabulateEvals(named))
                        : GainsText(TabulateGains(named, flags.against, margins)));
  return 0;
}

int RunEval(const EvalFlags& flags) {
  if (flags.margin && !std::isfinite(*flags.margin))
    FailUsage("--margin {} is not a finite number", *flags.margin);
  if (!flags.table.empty()) return RunTable(flags);
  if (!flags.against.empty() || !flags.margins.empty())
    FailUsage("--against and --margins are for --table");
  if (!flags.compare.empty()) return RunCompare(flags);
  if (flags.margin) FailUsage("--margin is for --compare");
  EvalRequest request = flags.request;
  if (flags.truth) request.source = EvalSource::kTruth;
  if (flags.vae_only) request.source = EvalSource::kVae;
  if (!flags.enlarged_from.empty())
    request.small_size = ParseSize(flags.enlarged_from, "enlarged-from");
  Terminal terminal(ParseProgressStyle(flags.run.progress));
  const EvalResult result =
      Evaluate(ToModelFiles(flags.model), ToRunOptions(flags.run), request, terminal.Progress(),
               &CancelOnSignals(), [&](const std::string& note) { terminal.Note(note); });
  terminal.EndLine();
  PrintResult("{}", EvalText(result));
  if (!result.unwritten.empty()) throw Error(result.unwritten);
  return result.interrupted ? kExitInterrupted : 0;
}

void AddSizeFlags(CLI::App& app, EvalFlags& flags) {
  EvalRequest& request = flags.request;
  app.add_option("--clips", request.clips, "number of held-out scenes")->capture_default_str();
  AddSeedFlag(app, "--first-seed", "seed of the first scene; each later scene has the next one",
              request.first_seed);
  AddGenerationFlags(app, request.params);
  app.add_option("--enlarged-from", flags.enlarged_from,
                 "WIDTHxHEIGHT: compare the detail with clips of that size by the same model, "
                 "enlarged by bicubic interpolation");
  AddSeedFlag(app, "--seed", "seed of the first clip's noise; each later clip has the next one",
              request.seed);
  app.add_option("--batch", request.batch, "clips denoised together; 0: chosen for the device")
      ->capture_default_str();
  app.add_option("--loss-clips", request.loss_clips,
                 "held-out scenes whose flow-matching loss is measured")
      ->capture_default_str();
}

void AddComparisonFlags(CLI::App& command, EvalFlags& flags) {
  command
      .add_option("--compare", flags.compare,
                  "A.json B.json: the gain of B over A, scene by scene; A1.json,A2.json "
                  "B1.json,B2.json: means over training seeds")
      ->expected(2);
  command.add_option("--margin", flags.margin,
                     "with --compare: the value that intervals must exceed, e.g. -0.05");
  command
      .add_option("--table", flags.table,
                  "NAME=A.json[,A2.json...]...: a Markdown table of these measurements")
      ->expected(1, 100);
  command.add_option("--against", flags.against,
                     "with --table: the name to compare the others with");
  command
      .add_option("--margins", flags.margins,
                  "with --against: MEASURE=MARGIN,...: the measures to compare, with their margins")
      ->delimiter(',');
}

}  // namespace

void AddEval(CLI::App& app, Action& action) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App& command =
      *app.add_subcommand("eval", "measure a model on held-out scenes of the synthetic world");
  AddModelFlags(command, flags->model);
  AddDecoderFlag(command, flags->model);
  AddLoraFlags(command, flags->model);
  AddSizeFlags(command, *flags);
  AddRunFlags(command, flags->run);
  CLI::Option* truth =
      command.add_flag("--truth", flags->truth,
                       "measure the true renders: the best values that the measures can give");
  command
      .add_flag("--vae-only", flags->vae_only,
                "measure the true renders, encoded and decoded by the VAE")
      ->excludes(truth);
  command.add_option("--json", flags->request.json,
                     "JSON file for all values, updated during the run");
  command.add_option("--save-sheet", flags->request.sheet,
                     "PNG file with a frame of the first clips, the truth below each");
  command.add_flag("--overwrite", flags->request.overwrite,
                   "replace files of --json and --save-sheet that `t3 eval` did not write");
  AddComparisonFlags(command, *flags);
  command.callback([flags, &action] { action = [flags] { return RunEval(*flags); }; });
}

}  // namespace t3
