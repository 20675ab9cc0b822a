// What t3 generate says before it starts.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/check.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/plan_text.h"
#include "cli/terminal.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

std::string FileName(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

std::string CheckpointText(const RunPlan& plan) {
  std::string text = FileName(plan.model);
  for (size_t i = 0; i < plan.loras.size(); ++i)
    text += fmt::format(" + {} x {} ({})", FileName(plan.loras[i].path), plan.loras[i].scale,
                        plan.lora_strengths.at(i));
  const AttentionPlan& attention = plan.attention;
  text += fmt::format(", {} {} attention",
                      attention.trained_known ? "trained with" : "presumably trained with",
                      AttentionName(attention.trained));
  if (attention.pattern != attention.trained)
    text += fmt::format(", run with {}", AttentionName(attention.pattern));
  return text;
}

std::string VideoText(const VideoPlan& video) {
  return fmt::format("{}x{}, {} at {} fps, {}", video.width, video.height,
                     Counted(video.frames, "frame"), video.fps,
                     Counted(video.grid.tokens(), "token"));
}

std::string WindowsText(const AttentionPlan& attention) {
  if (attention.pattern == AttentionPattern::kFull) return "none, full attention";
  return FormatWindows(attention.windows) + " (" + attention.windows_source + ")";
}

std::string SamplingText(const Request& request) {
  const GenerationParams& params = request.params;
  return fmt::format("{} of {}, guidance {}, shift {}, {}", Counted(*params.steps, "step"),
                     SamplerName(*params.sampler), *params.guidance, *params.shift,
                     request.noise.empty() ? fmt::format("seed {}", request.seed.value_or(0))
                                           : "noise of " + request.noise);
}

std::string MemoryText(const MemoryOutlook& memory) {
  std::string text;
  for (const StageMemory& stage : memory.stages) {
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", stage.name(), FormatBytes(stage.total()));
    if (stage.streamed) text += fmt::format(" ({})", stage.note);
  }
  text += fmt::format("; the {} has {} available", memory.on_gpu ? "GPU" : "CPU",
                      FormatBytes(memory.device_budget));
  if (memory.on_gpu) {
    text += fmt::format("; host {} of {}", FormatBytes(memory.host.total()),
                        FormatBytes(memory.host_budget));
  }
  return text;
}

// The measurement that is missing.
std::string CalibrateCommand(const RunPlan& plan, const RunOptions& options) {
  std::string command = "t3 plan --calibrate";
  if (plan.attention.pattern != plan.attention.trained)
    command += fmt::format(" --attention {}", AttentionName(plan.attention.pattern));
  if (options.dtype != ComputeDtype::kAuto)
    command += fmt::format(" --dtype {}", ComputeDtypeName(options.dtype));
  return command;
}

std::string TimeText(const RunPlan& plan, const RunOptions& options) {
  if (!plan.time) {
    return fmt::format("unknown; `{}` with this model measures the machine once",
                       CalibrateCommand(plan, options));
  }
  const TimeOutlook& time = *plan.time;
  std::string text =
      fmt::format("about {}, denoising {}", FormatSeconds(time.denoising + time.decoding),
                  FormatSeconds(time.denoising));
  if (time.decoding > 0) text += fmt::format(", decoding {}", FormatSeconds(time.decoding));
  return text + fmt::format(" (calibrated {})", time.measured);
}

ordered_json StagesJson(const MemoryOutlook& memory) {
  ordered_json stages = ordered_json::array();
  for (const StageMemory& stage : memory.stages) {
    stages.push_back({{"name", stage.name()},
                      {"weights_bytes", stage.weights},
                      {"activation_bytes", stage.activations},
                      {"context_bytes", stage.context},
                      {"note", stage.note}});
  }
  return stages;
}

}  // namespace

std::string RunPlanText(const RunPlan& plan, const RunOptions& options) {
  std::string text;
  const auto line = [&](const char* name, const std::string& value) {
    text += fmt::format("{:<11}{}\n", name, value);
  };
  line("checkpoint", CheckpointText(plan));
  line("video", VideoText(plan.video));
  line("windows", WindowsText(plan.attention));
  line("sampling", SamplingText(plan.request));
  line("device",
       fmt::format("{} ({}), {}", plan.device, plan.device_name, ComputeDtypeName(plan.dtype)));
  if (plan.finished) return text;
  line("memory", MemoryText(plan.memory));
  line("time", TimeText(plan, options));
  return text;
}

std::string RunPlanJson(const RunPlan& plan) {
  const AttentionPlan& attention = plan.attention;
  const bool full = attention.pattern == AttentionPattern::kFull;
  ordered_json json{{"checkpoint", plan.model},
                    {"attention", AttentionName(attention.pattern)},
                    {"windows", full ? "" : FormatWindows(attention.windows)},
                    {"width", plan.video.width},
                    {"height", plan.video.height},
                    {"frames", plan.video.frames},
                    {"steps", *plan.request.params.steps},
                    {"seed", plan.request.seed.value_or(0)},
                    {"device", plan.device},
                    {"dtype", ComputeDtypeName(plan.dtype)},
                    {"memory", StagesJson(plan.memory)},
                    {"device_budget_bytes", plan.memory.device_budget},
                    {"host_bytes", plan.memory.host.total()},
                    {"host_budget_bytes", plan.memory.host_budget},
                    {"start_seconds", nullptr},
                    {"step_seconds", nullptr},
                    {"denoising_seconds", nullptr},
                    {"decoding_seconds", nullptr}};
  if (plan.time) {
    json["start_seconds"] = plan.time->start;
    json["step_seconds"] = plan.time->step;
    json["denoising_seconds"] = plan.time->denoising;
    json["decoding_seconds"] = plan.time->decoding;
  }
  return DumpJson(json);
}

}  // namespace t3
