// What t3 plan --json prints.
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "cli/plan_text.h"
#include "cli/units.h"

namespace t3 {
namespace {

using nlohmann::ordered_json;

ordered_json RanksJson(const RankOutlook& ranks) {
  ordered_json splits = ordered_json::array();
  for (const RankOutlook::Split& split : ranks.splits) {
    ordered_json entry{{"name", split.name},
                       {"denoiser_bytes", split.denoiser_bytes},
                       {"fits", split.fits},
                       {"exchanged_bytes", split.exchanged_bytes},
                       {"step_seconds", nullptr}};
    if (split.step) entry["step_seconds"] = *split.step;
    splits.push_back(std::move(entry));
  }
  return splits;
}

ordered_json StageJson(const StageMemory& stage) {
  return {{"name", stage.name()},
          {"weights_bytes", stage.weights},
          {"activation_bytes", stage.activations},
          {"context_bytes", stage.context},
          {"total_bytes", stage.total()},
          {"note", stage.note}};
}

ordered_json LayoutsJson(const std::vector<WindowLayout>& layouts) {
  ordered_json list = ordered_json::array();
  for (const WindowLayout& entry : layouts) {
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

ordered_json TimeJson(const PlanResult& plan, const TimeOutlook& time) {
  return {{"device", plan.device},
          {"measured", time.measured},
          {"start_seconds", time.start},
          {"forward_seconds", time.forward},
          {"draft_seconds", time.draft},
          {"encoding_seconds", time.encoding},
          {"denoising_seconds", time.denoising},
          {"decoding_seconds", time.decoding},
          {"linear_macs_a_second", time.linear_rate},
          {"attention_macs_a_second", time.attention_rate},
          {"decode_macs_a_second", time.decode_rate}};
}

ordered_json WorkJson(const Work& work) {
  return {{"attention_tmac", work.attention / kTera},
          {"t3_attention_tmac", work.t3_attention / kTera},
          {"t3_uncombined_tmac", work.t3_attention_uncombined / kTera},
          {"full_attention_tmac", work.full_attention / kTera},
          {"linears_tmac", work.linears / kTera},
          {"cross_attention_tmac", work.cross_attention / kTera},
          {"forward_tmac", work.forward / kTera},
          {"decode_tmac", work.decode / kTera}};
}

ordered_json VideoJson(const PlanResult& plan) {
  const VideoPlan& video = plan.video;
  return {{"model", plan.model},
          {"decoder", plan.decoder},
          {"width", video.width},
          {"height", video.height},
          {"frames", video.frames},
          {"made_width", video.padded_width},
          {"made_height", video.padded_height},
          {"latent", {video.latent_channels, video.latent.t, video.latent.h, video.latent.w}},
          {"grid", {video.grid.t, video.grid.h, video.grid.w}},
          {"tokens", video.grid.tokens()},
          {"attention", AttentionName(plan.attention.pattern)},
          {"windows", FormatWindows(plan.attention.windows)},
          {"windows_source", plan.attention.windows_source},
          {"planner", plan.planner_version},
          {"cycle", LayoutsJson(plan.layouts)}};
}

}  // namespace

std::string PlanJson(const PlanResult& plan) {
  ordered_json memory = ordered_json::array();
  for (const StageMemory& stage : plan.memory.stages) memory.push_back(StageJson(stage));
  ordered_json json = VideoJson(plan);
  json.update(WorkJson(plan.work));
  json.update(
      ordered_json{{"dtype", ComputeDtypeName(plan.dtype)},
                   {"strength", plan.strength ? ordered_json(*plan.strength) : ordered_json()},
                   {"draft", plan.draft ? ordered_json{{"width", plan.draft->video.width},
                                                       {"height", plan.draft->video.height},
                                                       {"steps", plan.draft->steps}}
                                        : ordered_json()},
                   {"segments", plan.segments},
                   {"steps", plan.steps},
                   {"memory", memory},
                   {"host_memory", StageJson(plan.memory.host)},
                   {"device_budget_bytes", plan.memory.device_budget},
                   {"host_budget_bytes", plan.memory.host_budget},
                   {"fits", !plan.memory.TooLarge()}});
  if (plan.ranks.ranks > 1) {
    json["gpus"] = plan.ranks.ranks;
    json["splits"] = RanksJson(plan.ranks);
  }
  if (plan.time) json["time"] = TimeJson(plan, *plan.time);
  json["notes"] = plan.notes;
  return DumpJson(json, 2);
}

}  // namespace t3
