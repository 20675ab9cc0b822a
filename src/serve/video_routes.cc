// Submitting, listing, showing and deleting jobs.
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "base/check.h"
#include "base/parse_number.h"
#include "base/text.h"
#include "serve/api_error.h"
#include "serve/ids.h"
#include "serve/pixel_size.h"
#include "serve/plan_refusal.h"
#include "serve/server_log.h"
#include "serve/service.h"
#include "serve/submission.h"
#include "serve/video_object.h"

namespace t3::serve {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kMaxPage = 100, kUsualPage = 20;

// Exact in JavaScript.
uint64_t DrawSeed() { return std::stoull(RandomHex(6), nullptr, 16); }

JobView FindOrFail(const Service& service, const Exchange& exchange) {
  if (IsVideoId(exchange.parameter)) {
    if (std::optional<JobView> view = service.jobs.Find(exchange.key, exchange.parameter))
      return *view;
  }
  throw ApiError(404, "video_not_found", "there is no such video");
}

void ReplyVideo(const Service& service, const Exchange& exchange, const JobView& view) {
  if (!IsFinished(view.job.status)) {
    exchange.response.set_header("openai-poll-after-ms",
                                 std::to_string(PollAfterMilliseconds(view.job, view.live)));
  }
  ReplyJson(exchange.response, 200, service.jobs.Object(view));
}

void CheckRate(const Service& service, const Exchange& exchange) {
  const int seconds = service.rate.Take(exchange.key, NowMilliseconds());
  if (seconds == 0) return;
  service.metrics.Add("t3_jobs_refused_total", {{"code", "too_many_requests"}});
  throw ApiError(429, "too_many_requests",
                 fmt::format("more than {} submissions a minute", service.limits.max_per_minute))
      .RetryAfter(seconds);
}

void CheckModel(const Service& service, const FieldValues& values) {
  if (values.model.empty() || values.model == service.model) return;
  throw ApiError(400, "invalid_value",
                 fmt::format("`model` is not one that this server has; it has {}", service.model),
                 "model");
}

// The job whose video is refined becomes the input of this one.
void TakeSource(const Service& service, const FieldValues& values, Job& job) {
  if (values.source_video.empty()) return;
  const std::optional<JobView> source = service.jobs.Find(job.key, values.source_video);
  if (!source || source->job.status != JobStatus::kCompleted) {
    throw ApiError(400, "invalid_value", "`source_video` is not a completed video of yours",
                   "source_video");
  }
  job.source_video = values.source_video;
  job.input = "video";
  job.input_file = "source.mp4";
}

Job NewJob(const Service& service, const Exchange& exchange, const Submission& submission) {
  const FieldValues& values = submission.values;
  CheckModel(service, values);
  Job job;
  job.id = NewVideoId();
  job.key = exchange.key;
  job.created = NowMilliseconds();
  job.prompt = values.prompt;
  job.settings = values.settings;
  for (const auto& [name, text] : values.options)
    if (name != "prompt" && name != "seed") job.options[name] = text;
  job.loras = ChooseLoras(service, values);
  job.own_loras = values.own_loras;
  job.seconds = values.seconds;
  job.seed = values.has_seed ? values.seed : DrawSeed();
  TakeSource(service, values, job);
  if (submission.upload) {
    const MediaKind kind = submission.upload->Kind();
    job.input = kind.kind;
    job.input_file = "input" + std::string(kind.extension);
  }
  return job;
}

// Refuses what cannot be made and fills in what the plan decides. An input decides the size where
// the request does not, and a worker alone reads it.
void PlanJob(const Service& service, const FieldValues& values, Job& job) {
  const ordered_json ready = service.workers.Ready();
  if (ready.is_null()) return;  // the worker will plan it
  RefuseInput(ready, job.input, "input_reference");
  if (!job.input.empty() && !job.options.contains("size")) return;
  ordered_json plan;
  try {
    plan = service.workers.Plan(values, job.loras, job.input == "video");
  } catch (const ApiError& error) {
    if (error.status() == 503) return;  // the worker has just ended; the next one will plan it
    throw;
  }
  RefuseWhatDoesNotFit(plan);
  if (job.input == "video") return;  // its frames are the source's
  const PixelSize size = ParsePixelSize(plan.at("size").get<std::string>()).value();
  job.width = size.width;
  job.height = size.height;
  job.frames = plan.at("num_frames");
  job.fps = plan.at("fps");
  job.steps = plan.at("steps");
  if (plan.at("time").is_object()) {
    job.expected_seconds = plan.at("time").at("total_seconds");
  } else if (const auto time =
                 service.jobs.pace().Predict(job.width, job.height, job.frames, job.steps)) {
    job.expected_seconds = time->total();
  }
}

void Create(Service& service, Exchange& exchange) {
  CheckRate(service, exchange);
  Submission submission = ReadSubmission(exchange, service.limits, service.files.uploads());
  Job job = NewJob(service, exchange, submission);
  PlanJob(service, submission.values, job);
  try {
    const JobView view = service.jobs.Submit(job, submission.upload.get());
    ordered_json fields{{"request_id", exchange.request_id}, {"id", job.id}, {"key", job.key}};
    if (service.log_prompts) fields["prompt"] = job.prompt;
    Log("info", "job_created", fields);
    ReplyVideo(service, exchange, view);
  } catch (const ApiError& error) {
    service.metrics.Add("t3_jobs_refused_total", {{"code", error.code()}});
    throw;
  }
}

void List(Service& service, Exchange& exchange) {
  const int64_t limit =
      ParseNumber<int64_t>(QueryOr(exchange, "limit", std::to_string(kUsualPage))).value_or(0);
  if (limit < 1 || limit > kMaxPage) {
    throw ApiError(400, "invalid_value",
                   fmt::format("`limit` is not a whole number from 1 to {}", kMaxPage), "limit");
  }
  const std::string order = QueryOr(exchange, "order", "desc");
  if (order != "asc" && order != "desc")
    throw ApiError(400, "invalid_value", "`order` is neither asc nor desc", "order");
  const std::string after = QueryOr(exchange, "after", "");
  if (!after.empty() && !IsVideoId(after))
    throw ApiError(400, "invalid_value", "`after` is not the id of a video", "after");
  const Jobs::Page page = service.jobs.List(exchange.key, after, limit, order == "desc");
  ordered_json data = ordered_json::array();
  for (const JobView& view : page.jobs) data.push_back(service.jobs.Object(view));
  ordered_json list{{"object", "list"},
                    {"data", data},
                    {"first_id", nullptr},
                    {"last_id", nullptr},
                    {"has_more", page.has_more}};
  if (!page.jobs.empty()) {
    list["first_id"] = page.jobs.front().job.id;
    list["last_id"] = page.jobs.back().job.id;
  }
  ReplyJson(exchange.response, 200, list);
}

void Delete(Service& service, Exchange& exchange) {
  const JobView view = FindOrFail(service, exchange);
  service.jobs.Delete(exchange.key, view.job.id);
  ReplyJson(exchange.response, 200,
            {{"id", view.job.id}, {"object", "video.deleted"}, {"deleted", true}});
}

}  // namespace

void AddVideoRoutes(Service& service, std::vector<Route>& routes) {
  routes.push_back(
      {"POST", "/v1/videos", false, true, [&](Exchange& exchange) { Create(service, exchange); }});
  routes.push_back(
      {"GET", "/v1/videos", false, false, [&](Exchange& exchange) { List(service, exchange); }});
  routes.push_back({"GET", "/v1/videos/{id}", false, false, [&](Exchange& exchange) {
                      ReplyVideo(service, exchange, FindOrFail(service, exchange));
                    }});
  routes.push_back({"DELETE", "/v1/videos/{id}", false, false,
                    [&](Exchange& exchange) { Delete(service, exchange); }});
}

}  // namespace t3::serve
