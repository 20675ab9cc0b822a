// t3 train.
#include "t3video/train.h"

#include <CLI/App.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/bytes.h"
#include "base/check.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/launch.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"

namespace t3 {
namespace {

struct TrainFlags {
  std::string config;
  std::vector<std::string> overrides;
  std::optional<int64_t> gpus;
  bool dry_run = false;
  bool overwrite = false;
};

// 1418996800 -> "1.42 billion".
std::string FormatCount(int64_t count) {
  if (count >= 1'000'000'000)
    return fmt::format("{:.2f} billion", static_cast<double>(count) / 1e9);
  if (count >= 1'000'000) return fmt::format("{:.1f} million", static_cast<double>(count) / 1e6);
  return fmt::format("{}", count);
}

std::string SizeLine(const TrainPlan::Size& size) {
  std::string line = fmt::format("{}x{}, {}, batch of {}", size.width, size.height,
                                 Counted(size.frames, "frame"), size.batch);
  if (size.tokens > 0) line += fmt::format(", {} per clip", Counted(size.tokens, "token"));
  if (size.clips > 0) line += ", " + Counted(size.clips, "clip");
  return line;
}

std::string MemoryLine(const TrainPlan& plan) {
  std::string line = FormatBytes(plan.weight_bytes) + " for weights, gradients and optimizer";
  if (plan.activation_bytes > 0) {
    line += fmt::format(", {} {} for activations", plan.task == "vae" ? "at least" : "about",
                        FormatBytes(plan.activation_bytes));
  }
  return line + fmt::format("{}; {} free", plan.ranks > 1 ? ", on each" : "",
                            FormatBytes(plan.device_bytes));
}

std::string DiskLine(const TrainPlan& plan) {
  std::string line = FormatBytes(plan.model_bytes) + " for the model";
  if (plan.best_bytes > 0)
    line += fmt::format(", {} for the best one", FormatBytes(plan.best_bytes));
  line += fmt::format(", {} for each of {}", FormatBytes(plan.checkpoint_bytes),
                      Counted(plan.checkpoints_kept + 1, "checkpoint"));
  line += ", one more than are kept";
  if (plan.free_disk_bytes >= 0)
    line += fmt::format("; {} free", FormatBytes(plan.free_disk_bytes));
  return line;
}

std::string CacheLine(const TrainPlan::Cache& cache) {
  std::string line = fmt::format("{} more in {}", FormatBytes(cache.bytes), cache.folder);
  if (cache.free_bytes >= 0) line += fmt::format("; {} free", FormatBytes(cache.free_bytes));
  return line;
}

// "4 share each clip's tokens", "4 take batches", "4: 2 groups take batches, whose 2 ranks share
// ...".
std::string RanksLine(const TrainPlan& plan) {
  const int64_t groups = plan.ranks / plan.sequence_parallel;
  if (plan.sequence_parallel == 1) return fmt::format("{} take batches", plan.ranks);
  if (groups == 1) return fmt::format("{} share the tokens of each clip", plan.ranks);
  return fmt::format("{}: {} groups take batches, the {} of a group share the tokens of each clip",
                     plan.ranks, groups, plan.sequence_parallel);
}

std::string TimeLine(const TrainPlan& plan) {
  if (!plan.step_seconds) return "unknown; `t3 plan --calibrate` measures this machine";
  return fmt::format("about {} per step, {} for all {}", FormatSeconds(*plan.step_seconds),
                     FormatSeconds(*plan.step_seconds * static_cast<double>(plan.steps)),
                     plan.steps);
}

std::string PlanText(const TrainPlan& plan) {
  std::string text = fmt::format("training  {}\n", plan.trained);
  const auto add = [&](const char* name, const std::string& value) {
    text += fmt::format("{:<9} {}\n", name, value);
  };
  add("from", plan.base);
  add("output", plan.output);
  add("device", fmt::format("{}, {}", plan.device, plan.dtype));
  add("weights", plan.frozen_weights == 0
                     ? FormatCount(plan.trained_weights)
                     : fmt::format("{} trained, {} frozen", FormatCount(plan.trained_weights),
                                   FormatCount(plan.frozen_weights)));
  if (!plan.attention.empty()) add("attention", plan.attention);
  for (const TrainPlan::Size& size : plan.sizes) add("clips", SizeLine(size));
  add("steps", plan.accumulation == 1
                   ? fmt::format("{}", plan.steps)
                   : fmt::format("{}, each of {} batches", plan.steps, plan.accumulation));
  if (plan.ranks > 1) add("ranks", RanksLine(plan));
  add("memory", MemoryLine(plan));
  add("disk", DiskLine(plan));
  for (const TrainPlan::Cache& cache : plan.caches) add("cache", CacheLine(cache));
  if (plan.task == "dit") add("time", TimeLine(plan));
  return text;
}

nlohmann::ordered_json PlanJson(const TrainPlan& plan) {
  nlohmann::ordered_json json{{"task", plan.task},
                              {"trained", plan.trained},
                              {"base", plan.base},
                              {"output", plan.output},
                              {"device", plan.device},
                              {"dtype", plan.dtype},
                              {"trained_weights", plan.trained_weights},
                              {"frozen_weights", plan.frozen_weights},
                              {"steps", plan.steps},
                              {"weight_bytes", plan.weight_bytes},
                              {"activation_bytes", plan.activation_bytes},
                              {"device_bytes", plan.device_bytes},
                              {"checkpoint_bytes", plan.checkpoint_bytes},
                              {"model_bytes", plan.model_bytes}};
  if (plan.best_bytes > 0) json["best_bytes"] = plan.best_bytes;
  if (plan.ranks > 1) {
    json["gpus"] = plan.ranks;
    json["sequence_parallel"] = plan.sequence_parallel;
  }
  for (const TrainPlan::Cache& cache : plan.caches)
    json["caches"].push_back({{"folder", cache.folder}, {"bytes", cache.bytes}});
  if (!plan.notes.empty()) json["notes"] = plan.notes;
  if (plan.step_seconds) json["step_seconds"] = *plan.step_seconds;
  return json;
}

int RunTrain(const TrainFlags& flags) {
  Terminal terminal;
  std::vector<std::string> overrides = flags.overrides;
  if (flags.overwrite) overrides.emplace_back("overwrite=true");
  if (flags.dry_run) {
    const TrainPlan plan = PlanTraining(flags.config, overrides, CheckedGpus(flags.gpus));
    PrintResult("{}", PlanText(plan));
    if (plan.refusal) throw *plan.refusal;
    return 0;
  }
  RunOptions options;
  options.gpus = flags.gpus;
  CancelOnSignals();
  const Ranks ranks(options);
  const TrainResult result = Train(
      flags.config, overrides, terminal.Progress(), &CancelOnSignals(),
      [&](const TrainPlan& plan) { terminal.Announce(PlanText(plan), DumpJson(PlanJson(plan))); },
      options.ranks);
  if (options.ranks.rank > 0) return 0;
  terminal.EndLine();
  PrintResult("{}  {}{}\n", result.output, Counted(result.steps, "step"),
              result.loss ? fmt::format(", last loss {:.5f}", *result.loss) : "");
  return 0;
}

}  // namespace

void AddTrain(CLI::App& app, Action& action) {
  auto flags = std::make_shared<TrainFlags>();
  CLI::App& command = *app.add_subcommand(
      "train", "train a model as described in a JSON file (docs/reference/training.md)");
  command.add_option("config", flags->config, "CONFIG.json")->required();
  command
      .add_option("--set", flags->overrides,
                  "FIELD=VALUE, overrides the file, e.g. optimizer.lr=1e-4")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--gpus", flags->gpus,
                     "GPUs that share every step; with device cpu, processes");
  command.add_flag("--dry-run", flags->dry_run,
                   "check everything, report device, memory, disk and time, and stop");
  command.add_flag("--overwrite", flags->overwrite,
                   "write into an output folder with a model that no training of t3 put there");
  command.callback([flags, &action] { action = [flags] { return RunTrain(*flags); }; });
}

}  // namespace t3
