// Planning for clients.
#include "serve/plan_message.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "serve/video_object.h"
#include "t3video/request_options.h"

namespace t3::serve {
namespace {

using nlohmann::ordered_json;

std::string SizeText(int64_t width, int64_t height) { return fmt::format("{}x{}", width, height); }

ordered_json MemoryObject(const MemoryOutlook& memory) {
  ordered_json stages = ordered_json::array();
  int64_t peak = 0;
  for (const StageMemory& stage : memory.stages) {
    stages.push_back({{"name", stage.name()}, {"bytes", stage.total()}});
    peak = std::max(peak, stage.total());
  }
  return {{"stages", stages},
          {"peak_bytes", peak},
          {"budget_bytes", memory.device_budget},
          {"host_bytes", memory.host.total()},
          {"host_budget_bytes", memory.host_budget},
          {"fits", !memory.TooLarge()}};
}

ordered_json TimeObject(const std::optional<TimeOutlook>& time) {
  if (!time) return nullptr;
  return {{"draft_seconds", time->draft},
          {"encoding_seconds", time->encoding},
          {"denoising_seconds", time->denoising},
          {"decoding_seconds", time->decoding},
          {"total_seconds", time->draft + time->encoding + time->denoising + time->decoding},
          {"calibrated", time->measured}};
}

}  // namespace

int64_t FramesOfSeconds(double seconds, double fps) {
  return std::max<int64_t>(0, std::llround((seconds * fps - 1) / 4)) * 4 + 1;
}

void SetOptions(const ordered_json& options, Request& request) {
  for (const auto& [name, text] : options.items()) {
    T3_CHECK(SetOption(request, name, text.get<std::string>()), "there is no option {}", name);
  }
}

PlanResult PlanOf(const OpenedModel& opened, const Request& request, int64_t budget) {
  PlanRequest plan;
  plan.files = opened.files;
  plan.params = request.params;
  plan.dtype = opened.options.dtype;
  plan.device = opened.options.device;
  plan.memory_limit = budget;
  plan.host_memory_limit = opened.options.host_memory_limit;
  return Plan(plan);
}

ordered_json PlanObject(const PlanResult& plan, const Request& request) {
  const VideoPlan& video = plan.video;
  const double fps = request.output.fps.value_or(video.fps);
  ordered_json object{{"size", SizeText(video.width, video.height)},
                      {"padded_size", SizeText(video.padded_width, video.padded_height)},
                      {"num_frames", video.frames},
                      {"fps", fps},
                      {"seconds", SecondsText(video.frames, fps)},
                      {"num_inference_steps", plan.schedule_steps},
                      {"steps", plan.steps},
                      {"guidance_scale", plan.guidance},
                      {"segments", plan.segments},
                      {"attention", AttentionName(plan.attention.pattern)},
                      {"strength", nullptr},
                      {"draft", nullptr},
                      {"device", plan.device},
                      {"device_name", plan.device_name},
                      {"memory", MemoryObject(plan.memory)},
                      {"time", TimeObject(plan.time)}};
  if (plan.strength) object["strength"] = *plan.strength;
  if (plan.draft) {
    object["draft"] = {{"size", SizeText(plan.draft->video.width, plan.draft->video.height)},
                       {"steps", plan.draft->steps}};
  }
  return object;
}

}  // namespace t3::serve
