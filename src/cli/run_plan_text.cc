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

std::string StepsText(const RunPlan& plan) {
  const GenerationParams& params = plan.request.params;
  if (!params.strength) return Counted(plan.steps, "step");
  return fmt::format("{} of {} (strength {})", plan.steps, Counted(*params.steps, "step"),
                     *params.strength);
}

std::string SamplingText(const RunPlan& plan) {
  const Request& request = plan.request;
  const GenerationParams& params = request.params;
  if (plan.steps == 0) return "none: at strength 0 the source is encoded and decoded";
  std::string text = StepsText(plan);
  if (plan.segments > 1) text += fmt::format(" in {} segments", plan.segments);
  text += fmt::format(" of {}", SamplerName(*params.sampler));
  if (!params.timesteps.empty())
    text += fmt::format(" at timesteps {}", fmt::join(params.timesteps, ", "));
  if (!params.sigmas.empty()) text += fmt::format(" at sigmas {}", fmt::join(params.sigmas, ", "));
  text += fmt::format(", guidance {}", *params.guidance);
  if (params.shift) text += fmt::format(", shift {}", *params.shift);
  if (!request.noise.empty()) text += ", noise of " + request.noise;
  if (request.noise.empty() || AddsNoise(*params.sampler))
    text += fmt::format(", seed {}", request.seed.value_or(0));
  return text;
}

std::string DraftText(const DraftPlan& draft) {
  std::string denoiser = FileName(draft.model);
  for (const Lora& lora : draft.loras)
    denoiser += fmt::format(" + {} x {}", FileName(lora.path), lora.scale);
  return fmt::format("{}x{}, {} of {} with {} attention", draft.video.width, draft.video.height,
                     Counted(draft.steps, "step"), denoiser,
                     AttentionName(draft.attention.pattern));
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
  return text + fmt::format("; host {} of {}", FormatBytes(memory.host.total()),
                            FormatBytes(memory.host_budget));
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
  const double whole = time.draft + time.encoding + time.denoising + time.decoding;
  std::string text = fmt::format("about {}", FormatSeconds(whole));
  if (time.draft > 0) text += fmt::format(", draft {}", FormatSeconds(time.draft));
  if (time.encoding > 0) text += fmt::format(", encoding {}", FormatSeconds(time.encoding));
  text += fmt::format(", denoising {}", FormatSeconds(time.denoising));
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

ordered_json DraftJson(const std::optional<DraftPlan>& draft) {
  if (!draft) return nullptr;
  return {{"checkpoint", draft->model},
          {"width", draft->video.width},
          {"height", draft->video.height},
          {"steps", draft->steps}};
}

}  // namespace

std::string RunPlanText(const RunPlan& plan, const RunOptions& options) {
  std::string text;
  const auto line = [&](const char* name, const std::string& value) {
    text += fmt::format("{:<11}{}\n", name, value);
  };
  line("checkpoint", CheckpointText(plan));
  line("video", VideoText(plan.video));
  if (!plan.request.video.empty()) line("source", FileName(plan.request.video));
  if (plan.draft) line("draft", DraftText(*plan.draft));
  if (!plan.decoder.empty()) line("decoder", plan.decoder);
  line("windows", WindowsText(plan.attention));
  line("sampling", SamplingText(plan));
  line("device",
       fmt::format("{} ({}), {}", plan.device, plan.device_name, ComputeDtypeName(plan.dtype)));
  if (plan.ranks > 1) line("ranks", fmt::format("{}: {}", plan.ranks, plan.split));
  if (plan.finished) return text;
  line("memory", MemoryText(plan.memory));
  line("time", TimeText(plan, options));
  return text;
}

std::string RunPlanJson(const RunPlan& plan) {
  const AttentionPlan& attention = plan.attention;
  const std::optional<double>& strength = plan.request.params.strength;
  const auto seconds = [&](double TimeOutlook::*part) {
    return plan.time ? ordered_json((*plan.time).*part) : ordered_json();
  };
  const bool full = attention.pattern == AttentionPattern::kFull;
  ordered_json json{{"checkpoint", plan.model},
                    {"decoder", plan.decoder},
                    {"attention", AttentionName(attention.pattern)},
                    {"windows", full ? "" : FormatWindows(attention.windows)},
                    {"width", plan.video.width},
                    {"height", plan.video.height},
                    {"frames", plan.video.frames},
                    {"steps", *plan.request.params.steps},
                    {"strength", strength ? ordered_json(*strength) : ordered_json()},
                    {"denoising_steps", plan.steps},
                    {"segments", plan.segments},
                    {"draft", DraftJson(plan.draft)},
                    {"seed", plan.request.seed.value_or(0)},
                    {"device", plan.device},
                    {"dtype", ComputeDtypeName(plan.dtype)},
                    {"memory", StagesJson(plan.memory)},
                    {"device_budget_bytes", plan.memory.device_budget},
                    {"host_bytes", plan.memory.host.total()},
                    {"host_budget_bytes", plan.memory.host_budget},
                    {"start_seconds", seconds(&TimeOutlook::start)},
                    {"step_seconds", seconds(&TimeOutlook::step)},
                    {"draft_seconds", seconds(&TimeOutlook::draft)},
                    {"encoding_seconds", seconds(&TimeOutlook::encoding)},
                    {"denoising_seconds", seconds(&TimeOutlook::denoising)},
                    {"decoding_seconds", seconds(&TimeOutlook::decoding)}};
  if (plan.ranks > 1) {
    json["gpus"] = plan.ranks;
    json["split"] = plan.split;
  }
  return DumpJson(json);
}

}  // namespace t3
