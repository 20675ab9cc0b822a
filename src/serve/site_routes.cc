// Routes that are not about a job: the model, health, metrics, the web page.
#include <algorithm>
#include <filesystem>

#include "serve/api_error.h"
#include "serve/page_file.h"
#include "serve/service.h"

namespace t3::serve {
namespace {

using nlohmann::ordered_json;

ordered_json ModelObject(const Service& service) {
  const ordered_json ready = service.workers.Ready();
  const Limits& limits = service.limits;
  return {{"id", service.model},
          {"object", "model"},
          {"created", 0},
          {"owned_by", "t3video"},
          {"defaults", ready.is_null() ? ordered_json() : ready.at("defaults")},
          {"image_to_video", !ready.is_null() && ready.at("image_to_video") == true},
          {"loras", LoraNames(service.loras)},
          {"limits",
           {{"max_prompt_characters", kMaxPromptCharacters},
            {"max_pixels", limits.max_pixels},
            {"max_frames", limits.max_frames},
            {"max_steps", limits.max_steps},
            {"max_upload_bytes", limits.max_upload_bytes},
            {"max_queue", limits.max_queue},
            {"max_queue_per_key", limits.max_queue_per_key}}}};
}

void ListModels(const Service& service, const Exchange& exchange) {
  ReplyJson(exchange.response, 200, {{"object", "list"}, {"data", {ModelObject(service)}}});
}

void ShowModel(const Service& service, const Exchange& exchange) {
  if (exchange.parameter != service.model)
    throw ApiError(404, "model_not_found", "this server has no such model");
  ReplyJson(exchange.response, 200, ModelObject(service));
}

void ReportHealth(const Service& service, const Exchange& exchange) {
  const bool ready = !service.workers.Ready().is_null();
  ReplyJson(exchange.response, ready ? 200 : 503, {{"status", ready ? "ok" : "starting"}});
}

void SendMetrics(const Service& service, const Exchange& exchange) {
  service.jobs.UpdateMetrics();
  exchange.response.status = 200;
  exchange.response.set_content(service.metrics.Text(), "text/plain; version=0.0.4");
}

void SendPage(const Exchange& exchange, std::string_view name) {
  const auto files = PageFiles();
  const auto found = std::ranges::find(files, name, &PageFile::name);
  if (found == files.end()) throw ApiError(404, "not_found", "the page has no such file");
  exchange.response.set_header("Cache-Control", "no-cache");
  exchange.response.set_header("ETag", std::string(found->etag));
  exchange.response.status =
      exchange.request.get_header_value("If-None-Match") == found->etag ? 304 : 200;
  if (exchange.response.status == 304) return;
  exchange.response.set_content(found->bytes.data(), found->bytes.size(), std::string(found->type));
}

}  // namespace

std::vector<std::string> LoraNames(const std::string& folder) {
  std::vector<std::string> names;
  if (folder.empty()) return names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".safetensors") names.push_back(entry.path().stem().string());
  std::ranges::sort(names);
  return names;
}

ordered_json ChooseLoras(const Service& service, const FieldValues& values) {
  ordered_json loras = ordered_json::array();
  if (values.loras.empty()) return loras;
  const std::vector<std::string> known = LoraNames(service.loras);
  for (const LoraChoice& lora : values.loras) {
    if (std::ranges::find(known, lora.name) == known.end()) {
      throw ApiError(400, "invalid_value",
                     "`loras` names one that this server does not have; `/v1/models` lists them",
                     "loras");
    }
    loras.push_back({{"name", lora.name}, {"scale", lora.scale}});
  }
  return loras;
}

void AddSiteRoutes(Service& service, std::vector<Route>& routes) {
  routes.push_back({"GET", "/v1/models", false, false,
                    [&](Exchange& exchange) { ListModels(service, exchange); }});
  routes.push_back({"GET", "/v1/models/{id}", false, false,
                    [&](Exchange& exchange) { ShowModel(service, exchange); }});
  routes.push_back({"GET", "/health", true, false,
                    [&](Exchange& exchange) { ReportHealth(service, exchange); }});
  routes.push_back({"GET", "/metrics", false, false,
                    [&](Exchange& exchange) { SendMetrics(service, exchange); }});
  routes.push_back(
      {"GET", "/", true, false, [](Exchange& exchange) { SendPage(exchange, "index.html"); }});
  routes.push_back({"GET", "/page/{name}", true, false,
                    [](Exchange& exchange) { SendPage(exchange, exchange.parameter); }});
}

}  // namespace t3::serve
