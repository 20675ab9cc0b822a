// t3 plan: windows, work and memory of a size, for a preset or a model's files.
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/check.h"
#include "pipeline/calibration.h"
#include "pipeline/device.h"
#include "pipeline/job.h"
#include "pipeline/model_info.h"
#include "plan/plan_report.h"
#include "t3video/tools.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

constexpr double kTera = 1e12;
constexpr double kPeta = 1e15;

// What a plan needs of a model.
struct PlannedModel {
  std::string name;
  DitConfig dit;
  VaeConfig vae;
  std::optional<TextEncoderConfig> text;
  TrainedAttention attention;
  GenerationDefaults defaults;
};

PlannedModel ModelToPlan(const PlanRequest& request) {
  if (!request.preset.empty()) {
    const ModelPreset& preset = FindPreset(request.preset);
    return {preset.name,    preset.dit, preset.vae, preset.text, {preset.attention, true, ""},
            preset.defaults};
  }
  if (request.files.model.empty() && request.files.dit.empty()) {
    FailUsage("no model was given; use --preset NAME, --model DIR or --dit FILE");
  }
  const ModelInfo model = OpenModel(request.files);
  return {model.paths.dit, model.dit, VaeOf(model), model.text, model.attention, model.defaults};
}

// The windows are those of T3 even where the model has full attention, so that the two can be
// compared before a retrofit; with full attention they are not used.
struct PlannedWindows {
  WindowCycle cycle;
  std::string source;
};

PlannedWindows WindowsToPlan(const PlannedModel& model, const std::string& asked,
                             const Grid& grid) {
  if (!asked.empty()) return {ParseWindows(asked), "command line"};
  if (!model.attention.windows.empty()) return {ParseWindows(model.attention.windows), "model"};
  return {PlanWindows(grid, PublishedWindows(FamilyOf(model.dit.latent_channels))),
          fmt::format("planner {}", kPlannerVersion)};
}

PlannedRun RunToPlan(const PlanRequest& request, const std::string& dtype,
                     const PlannedModel& model) {
  if (request.width.has_value() != request.height.has_value()) {
    FailUsage("a width without a height (or the other way round) was given; give both");
  }
  if (dtype != "bf16" && dtype != "fp32") {
    FailUsage("--dtype '{}' is none of bf16, fp32", dtype);
  }
  PlannedRun run;
  run.dit = model.dit;
  run.vae = model.vae;
  run.text = model.text;
  run.attention =
      request.attention == "auto" ? model.attention.pattern : ParseAttention(request.attention);
  const int64_t width = request.width.value_or(model.defaults.width);
  const int64_t height = request.height.value_or(model.defaults.height);
  const int64_t frames = request.frames.value_or(model.defaults.frames);
  run.video = UsesPublishedWindows(model.attention, request.attention, request.windows)
                  ? PlanWindowedVideo(width, height, frames, model.vae,
                                      PublishedWindows(FamilyOf(model.dit.latent_channels)).grid)
                  : PlanVideo(width, height, frames, model.vae);
  run.device_budget = request.memory_limit;
  run.element_bytes = dtype == "bf16" ? 2 : 4;
  if (run.attention == AttentionPattern::kFull && !request.windows.empty()) {
    FailUsage(
        "--windows was given, but the attention is full and has no windows; give --attention "
        "t3, close, remote or swin with it");
  }
  return run;
}

std::string Commas(double value) {
  std::string digits = fmt::format("{:.0f}", value);
  for (auto at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

// Four digits: 594.5, 43,299.
std::string Tmac(double macs) {
  const double tera = macs / kTera;
  return (tera >= 1000 ? Commas(tera) : fmt::format("{:.4g}", tera)) + " TMAC";
}

std::string SizeText(const VideoGeometry& video) {
  std::string text = fmt::format("{}x{}, {} frames", video.width, video.height, video.frames);
  if (video.made_width != video.width || video.made_height != video.height) {
    text += fmt::format(", made at {}x{} and cropped", video.made_width, video.made_height);
  }
  return text;
}

std::string WindowsText(const PlanReport& windows) {
  std::string text = "  layers   windows t,h,w   number   tokens in a window\n";
  for (const WindowSummary& entry : windows.windows) {
    const std::string counts =
        fmt::format("{},{},{}", entry.counts.t, entry.counts.h, entry.counts.w);
    const bool even = entry.smallest_tokens == entry.largest_tokens;
    text += fmt::format(
        "  {:>6}   {:<13}   {:>6}   {}{}\n", entry.layers, counts, entry.counts.windows(),
        even ? Commas(static_cast<double>(entry.largest_tokens))
             : fmt::format("{} to {}", Commas(static_cast<double>(entry.smallest_tokens)),
                           Commas(static_cast<double>(entry.largest_tokens))),
        entry.coincide ? ", near and far the same" : "");
  }
  return text;
}

std::string MemoryText(const PlanReport& report, const std::string& dtype) {
  std::string text =
      fmt::format("memory by stage ({}, on a GPU, one stage after the other)\n", dtype);
  const auto line = [&](const MemoryStage& stage) {
    text += fmt::format(
        "  {:<14} {:>9}   weights {}, the rest {}{}{}{}\n", stage.name(),
        FormatBytes(stage.total()), FormatBytes(stage.weights), FormatBytes(stage.activations),
        stage.context > 0 ? fmt::format(", the GPU's context {}", FormatBytes(stage.context)) : "",
        stage.note.empty() ? "" : "; ", stage.note);
  };
  for (const MemoryStage& stage : report.memory.device) line(stage);
  line(report.memory.host);
  return text;
}

std::string ToText(const PlannedModel& model, const PlanReport& report, const PlanReport& t3,
                   const PlannedWindows& windows, const std::string& dtype) {
  const VideoGeometry& video = report.video;
  const bool full = report.attention == AttentionPattern::kFull;
  std::string text = fmt::format("{}: {}\n", model.name, SizeText(video));
  text += fmt::format("latents    {} x {} x {} x {}\n", model.dit.latent_channels, video.latent.t,
                      video.latent.h, video.latent.w);
  text += fmt::format("tokens     {} ({} x {} x {})\n",
                      Commas(static_cast<double>(video.grid.tokens())), video.grid.t, video.grid.h,
                      video.grid.w);
  text += fmt::format("attention  {}{}\n", AttentionName(report.attention),
                      full ? "; T3 at this size would have these windows (" + windows.source + ")"
                           : ", windows by " + windows.source);
  text += WindowsText(t3);
  text += "work of one forward, one guidance branch\n";
  text +=
      fmt::format("  attention        {:>12}   (T3 {}, full {})\n", Tmac(report.forward.attention),
                  Tmac(t3.forward.attention), Tmac(report.forward.full_attention));
  text += fmt::format("  linear layers    {:>12}\n", Tmac(report.forward.linears));
  text += fmt::format("  cross-attention  {:>12}\n", Tmac(report.forward.cross_attention));
  text += fmt::format("  together         {:>12}   ({:.4g} PFLOP)\n", Tmac(report.forward.total()),
                      2 * report.forward.total() / kPeta);
  text += fmt::format("decoding           {:>12}   ({:.4g} PFLOP)\n", Tmac(report.decode_macs),
                      2 * report.decode_macs / kPeta);
  return text + MemoryText(report, dtype);
}

ordered_json StageJson(const MemoryStage& stage) {
  return {{"name", stage.name()},
          {"weights_bytes", stage.weights},
          {"activation_bytes", stage.activations},
          {"context_bytes", stage.context},
          {"total_bytes", stage.total()},
          {"note", stage.note}};
}

ordered_json WindowsJson(const PlanReport& report) {
  ordered_json list = ordered_json::array();
  for (const WindowSummary& entry : report.windows) {
    list.push_back({{"counts", {entry.counts.t, entry.counts.h, entry.counts.w}},
                    {"windows", entry.counts.windows()},
                    {"layers", entry.layers},
                    {"mean_tokens", entry.mean_tokens},
                    {"smallest_tokens", entry.smallest_tokens},
                    {"largest_tokens", entry.largest_tokens},
                    {"coincide", entry.coincide}});
  }
  return list;
}

ordered_json ToJson(const PlannedModel& model, const PlanReport& report, const PlanReport& t3,
                    const PlannedWindows& windows, const std::string& dtype) {
  const VideoGeometry& video = report.video;
  ordered_json memory = ordered_json::array();
  for (const MemoryStage& stage : report.memory.device) memory.push_back(StageJson(stage));
  return {{"model", model.name},
          {"width", video.width},
          {"height", video.height},
          {"frames", video.frames},
          {"made_width", video.made_width},
          {"made_height", video.made_height},
          {"latent", {model.dit.latent_channels, video.latent.t, video.latent.h, video.latent.w}},
          {"grid", {video.grid.t, video.grid.h, video.grid.w}},
          {"tokens", video.grid.tokens()},
          {"attention", AttentionName(report.attention)},
          {"windows", FormatWindows(windows.cycle)},
          {"windows_source", windows.source},
          {"planner", kPlannerVersion},
          {"cycle", WindowsJson(t3)},
          {"attention_tmac", report.forward.attention / kTera},
          {"t3_attention_tmac", t3.forward.attention / kTera},
          {"t3_uncombined_tmac", t3.forward.attention_uncombined / kTera},
          {"full_attention_tmac", report.forward.full_attention / kTera},
          {"linears_tmac", report.forward.linears / kTera},
          {"cross_attention_tmac", report.forward.cross_attention / kTera},
          {"forward_tmac", report.forward.total() / kTera},
          {"decode_tmac", report.decode_macs / kTera},
          {"dtype", dtype},
          {"memory", memory},
          {"host_memory", StageJson(report.memory.host)}};
}

// The machine as it was measured, for the model's own number of steps.
struct MachineTime {
  Calibration calibration;
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  double start = 0;  // seconds
  double forward = 0;
  double denoising = 0;
  double decoding = 0;
};

std::optional<MachineTime> TimeOnMachine(const PlanRequest& request, const PlannedModel& model,
                                         const PlanReport& report, const ProgressFn& progress) {
  MachineTime time;
  time.device = ResolveDevice(request.device);
  time.dtype = ResolveDtype(request.dtype.empty() ? "auto" : request.dtype, time.device);
  const CalibrationKey key{model.dit, model.vae, report.attention, time.device, time.dtype};
  if (request.calibrate) {
    if (!request.preset.empty())
      FailUsage("--calibrate runs the model: give its files with --model DIR, not --preset");
    const RunContext context{progress, nullptr, time.device};
    time.calibration = Calibrate(OpenModel(request.files), key, context);
  } else if (auto found = FindCalibration(key)) {
    time.calibration = *found;
  } else {
    return std::nullopt;
  }
  const SamplingConfig& sampling = model.defaults.sampling;
  time.forward = time.calibration.ForwardSeconds(report.forward);
  time.start = time.calibration.StartSeconds(report.video.grid.tokens(), /*tunes=*/true);
  time.denoising = time.start + time.forward * static_cast<double>(sampling.steps) *
                                    (sampling.guidance != 1 ? 2 : 1);
  time.decoding = time.calibration.DecodeSeconds(report.decode_macs);
  return time;
}

std::string TimeText(const MachineTime& time, const SamplingConfig& sampling) {
  const auto rate = [](double macs) { return fmt::format("{:.4g} GMAC/s", macs / 1e9); };
  const Calibration& calibration = time.calibration;
  return fmt::format(
      "expected time on {} ({}, {}), measured {}\n"
      "  start-up         {:>10.4g} s   (once, in the first forward)\n"
      "  a forward        {:>10.4g} s\n"
      "  denoising        {:>10.4g} s   ({} steps, guidance {})\n"
      "  decoding         {:>10.4g} s   (without the file's encoder)\n"
      "  speeds           linear layers {}, attention {}, decoder {}\n",
      time.device.str(), DeviceName(time.device), time.dtype == at::kFloat ? "fp32" : "bf16",
      calibration.measured, time.start, time.forward, time.denoising, sampling.steps,
      sampling.guidance, time.decoding, rate(calibration.linear), rate(calibration.attention),
      rate(calibration.decode));
}

ordered_json TimeJson(const MachineTime& time) {
  return {{"device", time.device.str()},
          {"measured", time.calibration.measured},
          {"start_seconds", time.start},
          {"forward_seconds", time.forward},
          {"denoising_seconds", time.denoising},
          {"decoding_seconds", time.decoding},
          {"linear_macs_a_second", time.calibration.linear},
          {"attention_macs_a_second", time.calibration.attention},
          {"decode_macs_a_second", time.calibration.decode}};
}

}  // namespace

Report Plan(const PlanRequest& request, const ProgressFn& progress) {
  const PlannedModel model = ModelToPlan(request);
  const std::string dtype = request.dtype.empty() ? "bf16" : request.dtype;
  PlannedRun run = RunToPlan(request, dtype, model);
  const PlannedWindows windows = WindowsToPlan(model, request.windows, run.video.grid);
  run.windows = windows.cycle;
  const PlanReport report = MakePlanReport(run);
  PlannedRun windowed = run;
  if (run.attention == AttentionPattern::kFull) windowed.attention = AttentionPattern::kT3;
  const PlanReport t3 = MakePlanReport(windowed);
  std::string text = ToText(model, report, t3, windows, dtype);
  ordered_json json = ToJson(model, report, t3, windows, dtype);
  if (const auto time = TimeOnMachine(request, model, report, progress)) {
    text += TimeText(*time, model.defaults.sampling);
    json["time"] = TimeJson(*time);
  }
  return {text, json.dump(2)};
}

}  // namespace t3
