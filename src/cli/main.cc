// t3: the command line program.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/failure.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/launch.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"
#include "cli/uncaught.h"
#include "cli/usage_error.h"
#include "serve/worker.h"
#include "t3video/error.h"
#include "t3video/version.h"

namespace t3 {
namespace {

constexpr int kExitUsage = 2;

int ExitCode(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::kUsage:
      return kExitUsage;
    case ErrorKind::kInterrupted:
      return kExitInterrupted;
    case ErrorKind::kFailed:
      break;
  }
  return kExitFailed;
}

void AddCommands(CLI::App& app, Action& action) {
  AddGenerate(app, action);
  AddResume(app, action);
  AddDecode(app, action);
  AddEncodeText(app, action);
  AddPlan(app, action);
  AddInspect(app, action);
  AddConvert(app, action);
  AddInit(app, action);
  AddPrepare(app, action);
  AddWorld(app, action);
  AddTrain(app, action);
  AddEval(app, action);
  AddScore(app, action);
  AddBench(app, action);
  AddFitPreview(app, action);
  AddServe(app, action);
  AddDoctor(app, action);
  AddHelp(app, action);
  AddCompletion(app, action);
}

// A text may be empty (a prompt where none is encoded); an empty name of a file or number is a
// shell variable that was not set.
bool TakesEmptyText(const CLI::Option& option) {
  return option.check_lname("prompt") || option.check_lname("negative-prompt");
}

// What holds for every flag of every command.
void Restrict(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    // Two prompts are two videos, which --prompt-file makes.
    if (option->check_lname("prompt")) option->multi_option_policy(CLI::MultiOptionPolicy::Throw);
    if (option->get_expected_max() == 0) {
      option->disable_flag_override();  // --overwrite=3
    } else if (!TakesEmptyText(*option)) {
      option->check([](const std::string& value) {
        return value.empty() ? std::string("the value is empty") : std::string();
      });
    }
  }
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    Restrict(*command);
}

int Run(int argc, char** argv) {
  CLI::App app{"Native-4K video from pretrained video diffusion transformers with T3 attention",
               "t3"};
  bool verbose = false;
  app.set_version_flag("-v,--version", DescribeBuild());
  app.add_flag("--verbose", verbose, "log more");
  app.require_subcommand(1);
  app.fallthrough();
  // A flag given twice takes the later value, so that a script can append to a command.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  Action action;
  AddCommands(app, action);
  Restrict(app);
  std::vector<std::string> arguments(argv + 1, argv + argc);
  // A process of `t3 serve`, which is not a command for people.
  if (arguments == std::vector<std::string>{"serve-worker"}) return serve::RunWorker();
  try {
    arguments = LayUnderFiles(arguments, *app.get_subcommand("generate"));
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // help and version
    throw Error(ExplainUsage(app, error, arguments), ErrorKind::kUsage);
  }
  SetUpLogging(verbose);
  return action();
}

int RunOrExplain(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (...) {
    const Error error = CurrentError();
    PrintFatal(error.what());
    return ExitCode(error);
  }
}

}  // namespace
}  // namespace t3

int main(int argc, char** argv) {
  t3::ExplainUncaught();
  t3::PrepareStreams();
  t3::KeepArguments(argc, argv);
  const int code = t3::RunOrExplain(argc, argv);
  const std::string lost = t3::FlushResults();
  if (code != 0 || lost.empty()) return code;
  t3::PrintFatal(lost);
  return t3::kExitFailed;
}
