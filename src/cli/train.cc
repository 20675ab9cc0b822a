// t3 train.
#include "t3video/train.h"

#include <CLI/App.hpp>
#include <cstdio>
#include <memory>

#include "base/check.h"
#include "cli/commands.h"
#include "cli/signals.h"
#include "cli/terminal.h"

namespace t3 {
namespace {

struct TrainFlags {
  std::string config;
  std::vector<std::string> overrides;
};

}  // namespace

void AddTrain(CLI::App& app, Action& action) {
  auto flags = std::make_shared<TrainFlags>();
  CLI::App& command = *app.add_subcommand(
      "train", "train a model; docs/reference/training.md has the fields of CONFIG.json");
  command.add_option("config", flags->config, "CONFIG.json")->required();
  command
      .add_option("--set", flags->overrides, "FIELD=VALUE over the file, e.g. optimizer.lr=1e-4")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.callback([flags, &action] {
    action = [flags] {
      Terminal terminal;
      const TrainResult result =
          Train(flags->config, flags->overrides, terminal.Progress(), &CancelOnSignals());
      terminal.EndLine();
      fmt::print("{}  {} steps, last loss {:.5f}\n", result.output, result.steps, result.loss);
      return 0;
    };
  });
}

}  // namespace t3
