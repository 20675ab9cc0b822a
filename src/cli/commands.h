// The subcommands. Each adds its flags to `app` and, when chosen, puts its work into `action`.
#pragma once

#include <CLI/App.hpp>
#include <functional>

namespace t3 {

// Does the work and returns the exit code.
using Action = std::function<int()>;

void AddGenerate(CLI::App& app, Action& action);
void AddResume(CLI::App& app, Action& action);
void AddDecode(CLI::App& app, Action& action);
void AddEncodeText(CLI::App& app, Action& action);
void AddPlan(CLI::App& app, Action& action);
void AddInspect(CLI::App& app, Action& action);
void AddConvert(CLI::App& app, Action& action);
void AddInit(CLI::App& app, Action& action);
void AddPrepare(CLI::App& app, Action& action);
void AddWorld(CLI::App& app, Action& action);
void AddTrain(CLI::App& app, Action& action);
void AddEval(CLI::App& app, Action& action);
void AddScore(CLI::App& app, Action& action);
void AddBench(CLI::App& app, Action& action);
void AddFitPreview(CLI::App& app, Action& action);
void AddServe(CLI::App& app, Action& action);
void AddDoctor(CLI::App& app, Action& action);
// Last, since they describe the others.
void AddHelp(CLI::App& app, Action& action);
void AddCompletion(CLI::App& app, Action& action);

}  // namespace t3
