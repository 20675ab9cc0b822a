// Commands about weight files: t3 inspect, convert, init.
#include <CLI/App.hpp>
#include <cstdio>
#include <memory>

#include "base/check.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/inspect_text.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"
#include "t3video/tools.h"

namespace t3 {
namespace {

struct InspectFlags {
  std::vector<std::string> files;
  bool json = false;
};

struct ConvertFlags {
  std::string input;
  std::string output;
  std::string dtype;
  std::vector<std::string> loras;
  bool overwrite = false;
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
      const InspectResult result = Inspect(file);
      if (!flags.json) PrintResult("{}", InspectText(result));
      if (!result.complete) code = 1;
      json += (json.empty() ? "" : ",\n") + InspectJson(result);
    } catch (const Error& error) {
      PrintFatal(error.what());
      code = 1;
    }
  }
  // One file gives one object, several give a list.
  if (flags.json && flags.files.size() == 1 && !json.empty()) PrintResult("{}\n", json);
  if (flags.json && flags.files.size() > 1) PrintResult("[{}]\n", json);
  return code;
}

}  // namespace

void AddInspect(CLI::App& app, Action& action) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App& command =
      *app.add_subcommand("inspect", "say what weight files are and whether they are complete");
  command
      .add_option("files", flags->files,
                  "weight files (safetensors, index.json, .pth, .gguf), folders of models, or demo")
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
  command.add_option("--dtype", flags->dtype,
                     "fp32, fp16, bf16 or fp8 (default: as stored; bf16 where it is quantised)");
  command.add_option("--lora", flags->loras, "LoRA to merge, FILE or FILE:SCALE; may be repeated")
      ->take_all()
      ->expected(1);
  command.add_flag("--overwrite", flags->overwrite,
                   "replace a file that `t3 convert` did not write");
  command.callback([flags, &action] {
    action = [flags] {
      std::vector<Lora> loras;
      for (const std::string& lora : flags->loras) loras.push_back(ParseLora(lora));
      Terminal terminal;
      Convert(flags->input, flags->output, flags->dtype, loras, terminal.Progress(),
              &CancelOnSignals(), flags->overwrite);
      PrintResult("{}\n", flags->output);
      return 0;
    };
  });
}

void AddInit(CLI::App& app, Action& action) {
  auto flags = std::make_shared<InitFlags>();
  CLI::App& command =
      *app.add_subcommand("init", "write a model with random weights, in the official layout");
  command
      .add_option("model", flags->model,
                  "a preset's name or a CONFIG.json (docs/reference/init.md)")
      ->required();
  AddSeedFlag(command, "--seed", "seed of the weights", flags->seed);
  command.add_option("--dtype", flags->dtype, "bf16 or fp32 (default: bf16)");
  command.add_option("--output", flags->output, "folder to write")->required();
  command.callback([flags, &action] {
    action = [flags] {
      Terminal terminal;
      Init(flags->model, flags->seed, flags->dtype, flags->output, terminal.Progress(),
           &CancelOnSignals());
      PrintResult("{}\n", flags->output);
      return 0;
    };
  });
}

}  // namespace t3
