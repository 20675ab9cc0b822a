// Commands that look at the machine or prepare a model for it: t3 doctor, fit-preview.
#include <CLI/App.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"
#include "t3video/tools.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

struct DoctorFlags {
  std::string folder = ".";
  bool json = false;
};

struct FitPreviewFlags {
  ModelFlags model;
  RunFlags run;
  std::string pictures;
  std::string output;
  bool overwrite = false;
};

std::string HealthText(const Health& health) {
  std::string text;
  for (const Finding& finding : health.findings) {
    text += fmt::format("{:<10} {}\n", finding.name, finding.state);
    if (!finding.remedy.empty())
      text += fmt::format("{:<10} -> {}\n", "", WithFlags(finding.remedy));
  }
  return text;
}

std::string HealthJson(const Health& health) {
  ordered_json list = ordered_json::array();
  for (const Finding& finding : health.findings) {
    list.push_back({{"name", finding.name},
                    {"state", finding.state},
                    {"remedy", WithFlags(finding.remedy)},
                    {"fatal", finding.fatal}});
  }
  return DumpJson({{"good", health.good}, {"findings", list}}, 2);
}

}  // namespace

void AddDoctor(CLI::App& app, Action& action) {
  auto flags = std::make_shared<DoctorFlags>();
  CLI::App& command =
      *app.add_subcommand("doctor", "look at GPU, libraries, encoders, disk and memory");
  command.add_option("folder", flags->folder, "folder whose disk is measured")
      ->capture_default_str();
  command.add_flag("--json", flags->json, "print JSON");
  command.callback([flags, &action] {
    action = [flags] {
      const Health health = Doctor(flags->folder);
      PrintResult("{}", flags->json ? HealthJson(health) + "\n" : HealthText(health));
      return health.good ? 0 : 1;
    };
  });
}

void AddFitPreview(CLI::App& app, Action& action) {
  auto flags = std::make_shared<FitPreviewFlags>();
  CLI::App& command = *app.add_subcommand(
      "fit-preview", "fit the colours of --preview to a model's VAE, once for all its runs");
  AddModelFlags(command, flags->model);
  command.add_option("--device", flags->run.options.device, "auto, cpu, cuda or cuda:N");
  command.add_option("--pictures", flags->pictures,
                     "video or folder of PNG files to fit to (default: drawn pictures)");
  command.add_option("--output", flags->output,
                     "JSON file to write (default: preview.json in the model's folder)");
  command.add_flag("--overwrite", flags->overwrite, "replace a file that is not such a map");
  command.callback([flags, &action] {
    action = [flags] {
      Terminal terminal;
      const PreviewFit fit =
          FitPreview(ToModelFiles(flags->model), ToRunOptions(flags->run), flags->pictures,
                     flags->output, terminal.Progress(), &CancelOnSignals(), flags->overwrite);
      PrintResult(
          "{}  fitted to {}; explains {:.1f} % of the colours of first latent frames and {:.1f} % "
          "of later ones, in clips that it was not fitted to\n",
          fit.file, fit.source, 100 * fit.first_r2, 100 * fit.later_r2);
      return 0;
    };
  });
}

}  // namespace t3
