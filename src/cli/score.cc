// t3 score.
#include "t3video/score.h"

#include <CLI/App.hpp>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/extension.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/score_html.h"
#include "cli/score_json.h"
#include "cli/score_text.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"

namespace t3 {
namespace {

struct ScoreFlags {
  ScoreRequest request;
  RunFlags run;
  std::vector<std::string> weights;  // NAME=FILE
  std::vector<std::string> compare;
  std::string json, html;
  bool overwrite = false;
  bool list = false;
};

bool Exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// Before anything is computed: what would be replaced is an earlier result, and the place can be
// written.
void CheckTarget(const std::string& path, bool overwrite, bool (*is_ours)(const std::string&)) {
  if (path.empty()) return;
  T3_CHECK(overwrite || !Exists(path) || is_ours(path),
           "{} exists and t3 score did not write it; --overwrite replaces it, or name another file",
           path);
  const AtomicFile probe(path);
}

bool IsComparison(const std::string& path) {
  try {
    const nlohmann::json existing = ReadJson(path, kLongLists);
    return existing.is_object() && existing.contains("measures") && existing.contains("only_a");
  } catch (const Error&) {
    return false;
  }
}

int RunScoreCompare(const ScoreFlags& flags) {
  if (!flags.request.inputs.empty()) FailUsage("--compare takes two records and no videos");
  const std::string &a = flags.compare[0], &b = flags.compare[1];
  const ScoreComparison comparison = CompareScores(ReadScoreJson(a), ReadScoreJson(b));
  CheckTarget(flags.json, flags.overwrite, IsComparison);
  if (!flags.json.empty())
    WriteAtomically(flags.json, ScoreComparisonJson(comparison, a, b) + "\n");
  WriteResult(Printable(ScoreComparisonText(comparison)));
  return comparison.only_a.empty() && comparison.only_b.empty() ? 0 : 1;
}

// "NAME=FILE" -> both.
std::map<std::string, std::string> WeightFiles(const std::vector<std::string>& texts) {
  std::map<std::string, std::string> files;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == text.size())
      FailUsage("--weights {}: wanted NAME=FILE", text);
    files[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return files;
}

ScoreRequest RequestOf(const ScoreFlags& flags) {
  ScoreRequest request = flags.request;
  request.weights = WeightFiles(flags.weights);
  request.options = ToRunOptions(flags.run);
  const std::string& beside = flags.json.empty() ? flags.html : flags.json;
  if (!beside.empty()) request.state = beside + ".state";
  return request;
}

int RunScore(const ScoreFlags& flags) {
  CheckExtension("--json", flags.json, ".json");
  CheckExtension("--html", flags.html, ".html");
  if (flags.list) {
    WriteResult(MetricTableText());
    return 0;
  }
  if (!flags.compare.empty()) return RunScoreCompare(flags);
  CheckTarget(flags.json, flags.overwrite, IsScoreJson);
  CheckTarget(flags.html, flags.overwrite, IsScoreHtml);
  Terminal terminal(ParseProgressStyle(flags.run.progress));
  const ScoreResult result = ScoreVideos(RequestOf(flags), terminal.Progress(), &CancelOnSignals());
  terminal.EndLine();
  if (!flags.json.empty()) WriteAtomically(flags.json, ScoreJson(result) + "\n");
  if (!flags.html.empty()) WriteAtomically(flags.html, ScoreHtml(result));
  for (const std::string& note : result.notes) terminal.Note(note);
  WriteLog(Printable(WithFlags(ScoreProblemsText(result))));
  WriteResult(Printable(ScoreText(result)));
  if (result.interrupted) return kExitInterrupted;
  return result.complete() ? 0 : 1;
}

void AddScoreFlags(CLI::App& command, ScoreFlags& flags) {
  command.add_option("inputs", flags.request.inputs,
                     "videos, folders of PNG frames, folders of either");
  command.add_option("--prompts", flags.request.prompts,
                     "prompt file; without it the records beside the videos give the prompts");
  command.add_option("--reference", flags.request.reference,
                     "folder of reference clips of the same names, or the reference of one clip");
  command
      .add_option("--metrics", flags.request.metrics,
                  "NAME,...: metrics or groups to compute; without it all that can be computed")
      ->delimiter(',');
  command
      .add_option("--weights", flags.weights, "NAME=FILE...: the file of a metric that needs one")
      ->expected(1, 100);
  command.add_option("--vmaf-binary", flags.request.vmaf_binary,
                     "an ffmpeg with libvmaf; without it the ffmpeg in PATH");
  command.add_option("--json", flags.json, "JSON file for all values");
  command.add_option("--html", flags.html, "page with the worst and best clips of every metric");
  command.add_flag("--overwrite", flags.overwrite,
                   "replace files of --json and --html that `t3 score` did not write");
  command
      .add_option("--compare", flags.compare,
                  "A.json B.json: the gain of B over A, clip by clip, of two records")
      ->expected(2);
  command.add_flag("--list", flags.list, "list the metrics, with what each needs");
}

}  // namespace

void AddScore(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ScoreFlags>();
  CLI::App& command = *app.add_subcommand("score", "measure finished videos, and compare two sets");
  AddScoreFlags(command, *flags);
  AddRunFlags(command, flags->run);
  command.callback([flags, &action] { action = [flags] { return RunScore(*flags); }; });
}

}  // namespace t3
