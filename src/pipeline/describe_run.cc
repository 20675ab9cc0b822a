// The lines at the head of t3 generate.
#include "pipeline/describe_run.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "arch/dit.h"
#include "base/bytes.h"
#include "base/check.h"
#include "pipeline/calibration.h"
#include "pipeline/decode.h"
#include "pipeline/device.h"
#include "plan/plan_report.h"
#include "plan/windows.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

std::string TimeSpan(double seconds) {
  if (seconds < 60) return fmt::format("{:.3g} s", seconds);
  if (seconds < 3600) return fmt::format("{:.3g} min", seconds / 60);
  return fmt::format("{:.3g} h", seconds / 3600);
}

struct ExpectedTime {
  double start = 0;  // of the first forward, in denoising
  double step = 0;
  double denoising = 0;
  double decoding = 0;
  std::string measured;
};

std::optional<ExpectedTime> TimeOf(const ModelInfo& model, const Job& job,
                                   const RunSettings& settings, bool streamed) {
  const VaeConfig vae = VaeOf(model);
  const auto calibration =
      FindCalibration({model.dit, vae, job.attention.pattern, settings.device, settings.dtype});
  if (!calibration) return std::nullopt;
  const DitCost cost =
      CostOfForward(model.dit, job.attention.pattern, job.attention.windows, job.geometry.grid);
  const int64_t weights =
      streamed ? model.dit.num_layers *
                     WeightBytes(DitBlockTensors(model.dit),
                                 static_cast<int64_t>(c10::elementSize(settings.dtype)))
               : 0;
  ExpectedTime time;
  time.measured = calibration->measured;
  time.start =
      calibration->StartSeconds(job.geometry.grid.tokens(), !settings.options.deterministic);
  time.step = (job.sampling.guidance != 1 ? 2 : 1) * calibration->ForwardSeconds(cost, weights);
  time.denoising = time.start + static_cast<double>(job.sampling.steps) * time.step;
  if (!IsTensorFile(job.request.output))
    time.decoding = calibration->DecodeSeconds(CostOfDecode(vae, job.geometry.latent));
  return time;
}

std::string CheckpointText(const ModelInfo& model, const Job& job) {
  std::string text = std::filesystem::path(model.paths.dit).filename().string();
  for (const Lora& lora : model.loras) {
    text +=
        fmt::format(" + {} x {}", std::filesystem::path(lora.path).filename().string(), lora.scale);
  }
  const TrainedAttention& trained = model.attention;
  text += fmt::format(", {}{} attention", trained.known ? "trained with " : "taken to have ",
                      AttentionName(trained.pattern));
  if (job.attention.pattern != trained.pattern)
    text += fmt::format(", run with {}", AttentionName(job.attention.pattern));
  return text;
}

std::string VideoText(const Job& job) {
  const VideoGeometry& video = job.geometry;
  return fmt::format("{}x{}, {} frames at {} fps, {} tokens", video.width, video.height,
                     video.frames, job.fps, video.grid.tokens());
}

std::string SamplingText(const Job& job) {
  const SamplingConfig& sampling = job.sampling;
  return fmt::format("{} steps of {}, guidance {}, shift {}, {}", sampling.steps,
                     SamplerName(sampling.sampler), sampling.guidance, sampling.shift,
                     job.request.noise.empty() ? fmt::format("seed {}", job.request.seed)
                                               : "noise of " + job.request.noise);
}

std::string MemoryLines(const RunMemory& memory) {
  std::string text;
  for (const MemoryStage& stage : memory.device) {
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", stage.name(), FormatBytes(stage.total()));
    if (stage.kind == StageKind::kDenoiser && memory.stream_weights)
      text += fmt::format(" ({})", stage.note);
  }
  text += fmt::format("; the {} has {} for it", memory.on_gpu ? "GPU" : "CPU",
                      FormatBytes(memory.device_budget));
  if (memory.on_gpu) {
    text += fmt::format("; host {} of {}", FormatBytes(memory.host.total()),
                        FormatBytes(memory.host_budget));
  }
  return text;
}

// The measurement that is missing.
std::string CalibrateCommand(const ModelInfo& model, const Job& job, const RunSettings& settings) {
  std::string command = "t3 plan --calibrate";
  if (job.attention.pattern != model.attention.pattern)
    command += fmt::format(" --attention {}", AttentionName(job.attention.pattern));
  if (settings.options.dtype != "auto") command += " --dtype " + settings.DtypeName();
  return command;
}

std::string ExpectedTimeText(const std::optional<ExpectedTime>& time, const std::string& command) {
  if (!time) return fmt::format("unknown; `{}` with this model measures the machine once", command);
  std::string text =
      fmt::format("about {}, denoising {}", TimeSpan(time->denoising + time->decoding),
                  TimeSpan(time->denoising));
  if (time->decoding > 0) text += fmt::format(", decoding {}", TimeSpan(time->decoding));
  return text + fmt::format(" (calibrated {})", time->measured);
}

}  // namespace

Report DescribeRun(const ModelInfo& model, const Job& job, const RunSettings& settings) {
  const RunMemory memory =
      PlanRunMemory(model, job, settings.device, settings.dtype, settings.limits);
  const std::optional<ExpectedTime> time = TimeOf(model, job, settings, memory.stream_weights);
  const bool full = job.attention.pattern == AttentionPattern::kFull;
  const std::string windows =
      full ? "none, full attention"
           : FormatWindows(job.attention.windows) + " (" + job.attention.windows_source + ")";
  std::string text;
  const auto line = [&](const char* name, const std::string& value) {
    text += fmt::format("{:<11}{}\n", name, value);
  };
  line("checkpoint", CheckpointText(model, job));
  line("video", VideoText(job));
  line("windows", windows);
  line("sampling", SamplingText(job));
  line("device", fmt::format("{} ({}), {}", settings.device.str(), DeviceName(settings.device),
                             settings.DtypeName()));
  line("memory", MemoryLines(memory));
  line("time", ExpectedTimeText(time, CalibrateCommand(model, job, settings)));

  ordered_json stages = ordered_json::array();
  for (const MemoryStage& stage : memory.device) {
    stages.push_back({{"name", stage.name()},
                      {"weights_bytes", stage.weights},
                      {"activation_bytes", stage.activations},
                      {"context_bytes", stage.context},
                      {"note", stage.note}});
  }
  ordered_json json{{"checkpoint", model.paths.dit},
                    {"attention", AttentionName(job.attention.pattern)},
                    {"windows", full ? "" : FormatWindows(job.attention.windows)},
                    {"width", job.geometry.width},
                    {"height", job.geometry.height},
                    {"frames", job.geometry.frames},
                    {"steps", job.sampling.steps},
                    {"seed", job.request.seed},
                    {"device", settings.device.str()},
                    {"dtype", settings.DtypeName()},
                    {"memory", stages},
                    {"device_budget_bytes", memory.device_budget},
                    {"host_bytes", memory.host.total()},
                    {"host_budget_bytes", memory.host_budget},
                    {"start_seconds", nullptr},
                    {"step_seconds", nullptr},
                    {"denoising_seconds", nullptr},
                    {"decoding_seconds", nullptr}};
  if (time) {
    json["start_seconds"] = time->start;
    json["step_seconds"] = time->step;
    json["denoising_seconds"] = time->denoising;
    json["decoding_seconds"] = time->decoding;
  }
  return {text, json.dump()};
}

}  // namespace t3
