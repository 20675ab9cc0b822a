// Time and memory of a request.
#include <nlohmann/json.hpp>

#include "serve/api_error.h"
#include "serve/pixel_size.h"
#include "serve/plan_refusal.h"
#include "serve/service.h"
#include "serve/submission.h"

namespace t3::serve {
namespace {

using nlohmann::ordered_json;

// Where the machine is not calibrated: from earlier jobs, else null.
ordered_json TimeOf(const Service& service, const ordered_json& plan) {
  if (plan.at("time").is_object()) return plan.at("time");
  if (!plan.at("draft").is_null() || !plan.at("strength").is_null()) return nullptr;
  const PixelSize size = ParsePixelSize(plan.at("size").get<std::string>()).value();
  const auto time =
      service.jobs.pace().Predict(size.width, size.height, plan.at("num_frames"), plan.at("steps"));
  if (!time) return nullptr;
  return {{"draft_seconds", 0},
          {"encoding_seconds", 0},
          {"denoising_seconds", time->denoising},
          {"decoding_seconds", time->decoding},
          {"total_seconds", time->total()},
          {"calibrated", nullptr}};
}

void Plan(Service& service, Exchange& exchange) {
  const FieldValues values = ParseFields(ReadJsonBody(exchange), service.limits, FieldUse::kPlan);
  if (!values.model.empty() && values.model != service.model)
    throw ApiError(400, "invalid_value", "`model` is not one that this server has", "model");
  RefuseInput(service.workers.Ready(), values.input, "input");
  const bool with_video = values.input == "video" || !values.source_video.empty();
  const ordered_json plan = service.workers.Plan(values, ChooseLoras(service, values), with_video);
  ordered_json reply{{"object", "video.plan"}, {"model", service.model}};
  reply.update(plan);
  reply["time"] = TimeOf(service, plan);
  const QueueOutlook queue = service.jobs.Outlook();
  reply["queue"] = {{"jobs", queue.jobs}, {"seconds", nullptr}};
  if (queue.seconds)
    reply["queue"]["seconds"] = *queue.seconds / static_cast<double>(service.workers.size());
  ReplyJson(exchange.response, 200, reply);
}

}  // namespace

void AddPlanRoute(Service& service, std::vector<Route>& routes) {
  routes.push_back({"POST", "/v1/videos/plan", false, true,
                    [&](Exchange& exchange) { Plan(service, exchange); }});
}

}  // namespace t3::serve
