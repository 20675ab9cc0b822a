// Commands that run no model: t3 plan, inspect, convert, init.
#include <CLI/App.hpp>
#include <cstdio>
#include <memory>

#include "base/bytes.h"
#include "base/check.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "t3video/tools.h"

namespace t3 {
namespace {

struct PlanFlags {
  PlanRequest request;
  ModelFlags model;
  std::string size;
  std::string memory_limit;
  std::string device;
  bool json = false;
};

struct InspectFlags {
  std::vector<std::string> files;
  bool json = false;
};

struct ConvertFlags {
  std::string input;
  std::string output;
  std::string dtype;
  std::vector<std::string> loras;
};

struct InitFlags {
  std::string model;
  std::string output;
  std::string dtype;
  uint64_t seed = 0;
};

int RunInspect(const InspectFlags& flags) {
  std::string json;
  int code = 0;
  for (const std::string& file : flags.files) {
    try {
      const Report report = Inspect(file);
      if (!flags.json) fmt::print("{}", report.text);
      if (!report.complete) code = 1;
      json += (json.empty() ? "" : ",\n") + report.json;
    } catch (const Error& error) {
      fmt::print(stderr, "t3: error: {}\n", error.what());
      code = 1;
    }
  }
  // One file gives one object, several give a list.
  if (flags.json && flags.files.size() == 1 && !json.empty()) fmt::print("{}\n", json);
  if (flags.json && flags.files.size() > 1) fmt::print("[{}]\n", json);
  return code;
}

}  // namespace

void AddPlan(CLI::App& app, Action& action) {
  auto flags = std::make_shared<PlanFlags>();
  CLI::App& command =
      *app.add_subcommand("plan", "windows, work and memory of a video before making it");
  CLI::Option* preset = command.add_option(
      "--preset", flags->request.preset, "wan2.1-1.3b, wan2.1-1.3b-t3, wan2.2-5b or wan2.2-5b-t3");
  AddModelFlags(command, flags->model);
  preset->excludes(command.get_option("--model"));
  command.add_option("--size", flags->size, "WIDTHxHEIGHT in pixels");
  command.add_option("--frames", flags->request.frames, "frames, 4n+1");
  command
      .add_option("--attention", flags->request.attention, "auto, t3, full, close, remote or swin")
      ->capture_default_str();
  command.add_option("--windows", flags->request.windows, "window counts \"t,h,w;t,h,w;...\"");
  command.add_option("--dtype", flags->request.dtype, "bf16 or fp32 (default: bf16)");
  command.add_option("--device", flags->device,
                     "whose speed is told or measured (default: $T3_DEVICE, else auto)");
  command.add_flag("--calibrate", flags->request.calibrate,
                   "measure this machine's speed with the model, for the times told from now on");
  command.add_option("--memory-limit", flags->memory_limit,
                     "memory of the device to plan the decoder for, e.g. 24GB");
  command.add_flag("--json", flags->json, "print JSON");
  command.callback([flags, &action] {
    action = [flags] {
      PlanRequest request = flags->request;
      if (request.preset.empty()) request.files = ToModelFiles(flags->model);
      RunFlags run;
      run.options.device = flags->device;
      request.device = ToRunOptions(run).device;
      if (!flags->memory_limit.empty()) request.memory_limit = ParseBytes(flags->memory_limit);
      if (!flags->size.empty()) std::tie(request.width, request.height) = ParseSize(flags->size);
      Terminal terminal;
      const Report report = Plan(request, terminal.Progress());
      fmt::print("{}", flags->json ? report.json + "\n" : report.text);
      return 0;
    };
  });
}

void AddInspect(CLI::App& app, Action& action) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App& command =
      *app.add_subcommand("inspect", "say what weight files are and whether they are complete");
  command
      .add_option("files", flags->files,
                  "weight files (safetensors, index.json, .pth), folders of models, or demo")
      ->required();
  command.add_flag("--json", flags->json, "print JSON");
  command.callback([flags, &action] { action = [flags] { return RunInspect(*flags); }; });
}

void AddConvert(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ConvertFlags>();
  CLI::App& command =
      *app.add_subcommand("convert", "rewrite weights as safetensors under original names");
  command
      .add_option("input", flags->input,
                  "weight file, or the folder of a model or demo, whose denoiser is meant")
      ->required();
  command.add_option("output", flags->output, "safetensors file to write")->required();
  command.add_option("--dtype", flags->dtype, "fp32, fp16 or bf16 (default: as stored)");
  command.add_option("--lora", flags->loras, "LoRA to merge, FILE or FILE:SCALE; may be repeated")
      ->take_all()
      ->expected(1);
  command.callback([flags, &action] {
    action = [flags] {
      std::vector<Lora> loras;
      for (const std::string& lora : flags->loras) loras.push_back(ParseLora(lora));
      Terminal terminal;
      Convert(flags->input, flags->output, flags->dtype, loras, terminal.Progress(),
              &CancelOnSignals());
      fmt::print("{}\n", flags->output);
      return 0;
    };
  });
}

void AddInit(CLI::App& app, Action& action) {
  auto flags = std::make_shared<InitFlags>();
  CLI::App& command =
      *app.add_subcommand("init", "write a model with random weights, in the official layout");
  command.add_option("model", flags->model, "a preset's name or a CONFIG.json (docs/init.md)")
      ->required();
  command.add_option("--seed", flags->seed, "seed of the weights")->capture_default_str();
  command.add_option("--dtype", flags->dtype, "bf16 or fp32 (default: bf16)");
  command.add_option("--output", flags->output, "folder to write")->required();
  command.callback([flags, &action] {
    action = [flags] {
      Terminal terminal;
      Init(flags->model, flags->seed, flags->dtype, flags->output, terminal.Progress(),
           &CancelOnSignals());
      fmt::print("{}\n", flags->output);
      return 0;
    };
  });
}

}  // namespace t3
