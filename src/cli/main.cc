// t3: the command line program.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <exception>
#include <new>

#include "base/check.h"
#include "base/log.h"
#include "cli/commands.h"
#include "t3video/error.h"
#include "t3video/version.h"

namespace t3 {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitInterrupted = 130;

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

int Run(int argc, char** argv) {
  CLI::App app{"Native-4K video from pretrained video diffusion transformers with T3 attention",
               "t3"};
  bool verbose = false;
  app.set_version_flag("--version", DescribeBuild());
  app.add_flag("--verbose", verbose, "log more");
  app.require_subcommand(1);
  app.fallthrough();
  // A flag given twice takes the later value, so that a script can append to a command.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  Action action;
  AddGenerate(app, action);
  AddDecode(app, action);
  AddEncodeText(app, action);
  AddPlan(app, action);
  AddInspect(app, action);
  AddConvert(app, action);
  AddInit(app, action);
  AddPrepare(app, action);
  AddTrain(app, action);
  AddBench(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  SetUpLogging(verbose);
  return action();
}

}  // namespace
}  // namespace t3

int main(int argc, char** argv) {
  try {
    return t3::Run(argc, argv);
  } catch (const t3::Error& error) {
    fmt::print(stderr, "t3: error: {}\n", error.what());
    return t3::ExitCode(error);
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "t3: error: out of memory; a smaller --size or fewer --frames needs less\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "t3: error: {}\n", error.what());
  }
  return t3::kExitFailed;
}
