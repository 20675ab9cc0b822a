// Shared flags.
#include "cli/flags.h"

#include <CLI/Option.hpp>
#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "base/bytes.h"
#include "base/check.h"
#include "base/parse_number.h"

namespace t3 {

namespace {

// The variable's value; "" where it is not set.
std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

const char* Title(OptionGroup group) {
  switch (group) {
    case OptionGroup::kModel:
      return "Model";
    case OptionGroup::kPrompt:
      return "Prompt";
    case OptionGroup::kVideo:
      return "Video";
    case OptionGroup::kSampling:
      return "Sampling";
    case OptionGroup::kOutput:
      return "Output";
    case OptionGroup::kSafety:
      return "Checkpoints and previews";
    case OptionGroup::kMachine:
      return "Machine";
  }
  return "Options";
}

// "--prompt"; frequent flags have a letter as well.
std::string FlagNames(const std::string& name) {
  for (const char* common : {"model", "output", "prompt"}) {
    if (name == common) return fmt::format("-{},--{}", name[0], name);
  }
  return "--" + name;
}

CLI::Option* Described(CLI::Option* flag, const Option& option) {
  return flag->group(Title(option.group))->default_str(option.fallback);
}

void AddModelFlag(CLI::App& app, ModelFlags& flags, const std::string& name) {
  VisitModelOptions(flags.files, [&](const Option& option, auto& value) {
    if (option.name == name) AddOptionFlag(app, option, value);
  });
}

bool IsGpus(const Option& option) { return option.name == std::string_view("gpus"); }

}  // namespace

CLI::Option* AddTextFlag(CLI::App& app, const Option& option, OptionParser parse) {
  return Described(
      app.add_option_function<std::string>(FlagNames(option.name), std::move(parse), option.help),
      option);
}

CLI::Option* AddRepeatedFlag(CLI::App& app, const Option& option,
                             std::function<void(const std::vector<std::string>&)> parse) {
  return Described(app.add_option_function<std::vector<std::string>>(FlagNames(option.name),
                                                                     std::move(parse), option.help)
                       ->take_all()
                       ->expected(1),
                   option);
}

CLI::Option* AddSwitch(CLI::App& app, const Option& option, bool& value) {
  return Described(app.add_flag(FlagNames(option.name), value, option.help), option);
}

CLI::Option* AddSeedFlag(CLI::App& app, const char* name, const char* help, uint64_t& value) {
  const auto parse = [name, &value](const std::string& text) {
    const std::optional<uint64_t> seed = ParseNumber<uint64_t>(text);
    if (!seed) FailUsage("{} '{}' is not a seed; give a whole number from 0 to 2^64-1", name, text);
    value = *seed;
  };
  return app.add_option_function<std::string>(name, parse, help)
      ->default_str(std::to_string(value));
}

void AddModelFlags(CLI::App& app, ModelFlags& flags) {
  VisitModelOptions(flags.files, [&](const Option& option, auto& value) {
    const std::string name = option.name;
    if (name != "lora" && name != "add-lora" && name != "decoder")
      AddOptionFlag(app, option, value);
  });
}

void AddLoraFlags(CLI::App& app, ModelFlags& flags) {
  AddModelFlag(app, flags, "lora");
  AddModelFlag(app, flags, "add-lora");
}

void AddDecoderFlag(CLI::App& app, ModelFlags& flags) { AddModelFlag(app, flags, "decoder"); }

void AddRunFlags(CLI::App& app, RunFlags& flags) {
  VisitMachineOptions(flags.options, [&](const Option& option, auto& value) {
    if (!IsGpus(option)) AddOptionFlag(app, option, value);
  });
  app.add_option("--progress", flags.progress,
                 "auto, live, plain, json (one object per line) or none")
      ->group(Title(OptionGroup::kMachine))
      ->capture_default_str();
}

void AddGpusFlag(CLI::App& app, RunFlags& flags) {
  VisitMachineOptions(flags.options, [&](const Option& option, auto& value) {
    if (IsGpus(option)) AddOptionFlag(app, option, value);
  });
}

void AddGenerationFlags(CLI::App& app, GenerationParams& params,
                        const std::vector<std::string>& names) {
  VisitGenerationParams(params, [&](const Option& option, auto& value) {
    if (names.empty() || std::ranges::find(names, option.name) != names.end())
      AddOptionFlag(app, option, value);
  });
}

void AddFileFlags(CLI::App& app, FileOptions& file) {
  // The same declarations as of a request, over a request that only carries them.
  auto request = std::make_shared<Request>();
  VisitRequestOptions(*request, [&](const Option& option, auto& value) {
    if (option.effect != OptionEffect::kEncoding) return;
    AddTextFlag(app, option, [request, option, &file, &value](const std::string& text) {
      ParseOption(option, text, value);
      const std::optional<int64_t> last_frame = file.last_frame;
      file = request->output.file;
      file.last_frame = last_frame;
    });
  });
}

ModelFiles ToModelFiles(const ModelFlags& flags) {
  ModelFiles files = flags.files;
  if (files.model.empty() && files.dit.empty()) files.model = Environment("T3_MODEL_DIR");
  return files;
}

RunOptions ToRunOptions(const RunFlags& flags) {
  RunOptions options = flags.options;
  if (options.device.empty()) options.device = Environment("T3_DEVICE");
  if (options.device.empty()) options.device = "auto";
  return options;
}

std::string WithFlags(const std::string& message) {
  std::string text;
  for (size_t at = 0; at < message.size(); ++at) {
    const size_t end = message.find('`', at + 1);
    if (message[at] != '`' || end == std::string::npos) {
      text += message[at];
      continue;
    }
    const std::string name = message.substr(at + 1, end - at - 1);
    const bool is_option =
        !name.empty() && std::islower(static_cast<unsigned char>(name[0])) != 0 &&
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    text += is_option ? "--" + name : '`' + name + '`';
    at = end;
  }
  return text;
}

}  // namespace t3
