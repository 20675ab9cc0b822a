// t3 plan.
#include "t3video/plan.h"

#include <CLI/App.hpp>
#include <cstdio>
#include <memory>

#include "base/check.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/plan_text.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"

namespace t3 {
namespace {

struct PlanFlags {
  PlanRequest request;
  ModelFlags model;
  RunFlags run;
  bool json = false;
};

int RunPlanCommand(const PlanFlags& flags) {
  PlanRequest request = flags.request;
  if (request.preset.empty()) request.files = ToModelFiles(flags.model);
  const RunOptions options = ToRunOptions(flags.run);
  request.device = options.device;
  request.dtype = options.dtype;
  request.memory_limit = options.memory_limit;
  request.host_memory_limit = options.host_memory_limit;
  request.gpus = options.gpus.value_or(1);
  Terminal terminal;
  const PlanResult plan = Plan(request, terminal.Progress(), &CancelOnSignals());
  terminal.EndLine();
  PrintResult("{}", flags.json ? PlanJson(plan) + "\n" : PlanText(plan));
  return 0;
}

}  // namespace

void AddPlan(CLI::App& app, Action& action) {
  auto flags = std::make_shared<PlanFlags>();
  CLI::App& command =
      *app.add_subcommand("plan", "report windows, work, memory and time of a video");
  AddModelFlags(command, flags->model);
  AddDecoderFlag(command, flags->model);
  AddLoraFlags(command, flags->model);
  command
      .add_option("--preset", flags->request.preset,
                  "a model by name, without its files: wan2.1-1.3b, wan2.1-1.3b-t3, wan2.2-5b or "
                  "wan2.2-5b-t3")
      ->group("Model")
      ->excludes(command.get_option("--model"));
  AddGenerationFlags(command, flags->request.params);
  VisitMachineOptions(flags->run.options, [&](const Option& option, auto& value) {
    if (option.name != std::string_view("deterministic")) AddOptionFlag(command, option, value);
  });
  command.get_option("--device")
      ->description("device to plan for: auto, cpu, cuda or cuda:N; a preset is planned for a GPU");
  command.add_flag("--calibrate", flags->request.calibrate,
                   "measure this machine's speed with the model, for all expected times from now "
                   "on");
  command.add_flag("--json", flags->json, "print JSON");
  command.callback([flags, &action] { action = [flags] { return RunPlanCommand(*flags); }; });
}

}  // namespace t3
