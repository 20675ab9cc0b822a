// What the handlers of routes work with.
#pragma once

#include <atomic>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "serve/fields.h"
#include "serve/jobs.h"
#include "serve/limits.h"
#include "serve/metrics.h"
#include "serve/rate_limit.h"
#include "serve/router.h"
#include "serve/workers.h"

namespace t3::serve {

struct Service {
  const JobFiles& files;
  Jobs& jobs;
  Workers& workers;
  Metrics& metrics;
  RateLimit& rate;
  Limits limits;
  std::string model;  // its id
  std::string loras;  // folder; empty: none
  bool log_prompts = false;
  std::atomic<int64_t> streams{0};  // open event streams
};

// Names of the .safetensors files in the folder of LoRAs, without the extension, sorted.
std::vector<std::string> LoraNames(const std::string& folder);
// Those of a request, [{"name", "scale"}]. Throws ApiError for one that is not there.
nlohmann::ordered_json ChooseLoras(const Service& service, const FieldValues& values);

// Each adds its routes.
void AddVideoRoutes(Service& service, std::vector<Route>& routes);
void AddContentRoute(Service& service, std::vector<Route>& routes);
void AddEventsRoute(Service& service, std::vector<Route>& routes);
void AddPlanRoute(Service& service, std::vector<Route>& routes);
void AddSiteRoutes(Service& service, std::vector<Route>& routes);

}  // namespace t3::serve
