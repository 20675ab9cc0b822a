// Counting and printing metrics.
#include "serve/metrics.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace t3::serve {
namespace {

constexpr MetricKind kCounter = MetricKind::kCounter;
constexpr MetricKind kGauge = MetricKind::kGauge;
constexpr MetricKind kHistogram = MetricKind::kHistogram;

constexpr std::array<MetricFamily, 24> kFamilies{{
    {"t3_build_info", kGauge, "Version and commit of the program; always 1."},
    {"t3_http_requests_total", kCounter, "Replies by route, method and status code."},
    {"t3_http_request_duration_seconds", kHistogram, "Time until the head of the reply is ready."},
    {"t3_http_connections", kGauge, "Open connections."},
    {"t3_http_connections_refused_total", kCounter, "Connections beyond the limit."},
    {"t3_http_connections_dropped_total", kCounter,
     "Connections closed because the client was too slow or sent too much."},
    {"t3_event_streams", kGauge, "Open event streams."},
    {"t3_jobs", kGauge, "Jobs by status."},
    {"t3_queue_capacity", kGauge, "Jobs that may wait."},
    {"t3_jobs_created_total", kCounter, "Jobs that were accepted."},
    {"t3_jobs_refused_total", kCounter, "Submissions that a limit refused."},
    {"t3_jobs_finished_total", kCounter, "Jobs that ended, by status."},
    {"t3_jobs_resumed_total", kCounter, "Jobs that continued after a process ended."},
    {"t3_job_wait_seconds", kHistogram, "Time from submission to start."},
    {"t3_job_duration_seconds", kHistogram, "Time from start to completion."},
    {"t3_stage_duration_seconds", kHistogram, "Time of a stage of a job."},
    {"t3_steps_total", kCounter, "Denoising steps."},
    {"t3_frames_total", kCounter, "Frames of completed videos."},
    {"t3_pixels_total", kCounter, "Pixels of completed videos."},
    {"t3_output_bytes_total", kCounter, "Bytes of completed videos."},
    {"t3_worker_up", kGauge, "Whether the worker's process is ready."},
    {"t3_worker_restarts_total", kCounter, "Restarts of the worker's process."},
    {"t3_data_bytes", kGauge, "Bytes of the jobs in the data folder."},
    {"t3_disk_free_bytes", kGauge, "Free bytes of the data folder's file system."},
}};

// Upper bounds in seconds, from replies to jobs of an hour.
constexpr std::array<double, 15> kBounds{0.001, 0.005, 0.025, 0.1, 0.25, 0.5,  1,   2.5,
                                         5,     15,    60,    300, 900,  3600, 7200};

const char* KindName(MetricKind kind) {
  if (kind == kCounter) return "counter";
  return kind == kGauge ? "gauge" : "histogram";
}

std::string Escaped(const std::string& value) {
  std::string text;
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

// a="b",c="d"
std::string LabelText(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels)
    text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, Escaped(value));
  return text;
}

std::string Braced(const std::string& labels) { return labels.empty() ? "" : "{" + labels + "}"; }

// With the label `le` after the others.
std::string WithBound(const std::string& labels, const std::string& bound) {
  return fmt::format("{{{}{}le=\"{}\"}}", labels, labels.empty() ? "" : ",", bound);
}

}  // namespace

std::span<const MetricFamily> MetricFamilies() { return kFamilies; }

Metrics::Series& Metrics::Find(std::string_view name, MetricKind kind, const Labels& labels) {
  const auto family = std::ranges::find_if(
      kFamilies, [&](const MetricFamily& f) { return f.name == name && f.kind == kind; });
  T3_CHECK(family != kFamilies.end(), "there is no {} {}", KindName(kind), name);
  Series& series = families_[std::string(name)][LabelText(labels)];
  if (kind == kHistogram) series.buckets.resize(kBounds.size());
  return series;
}

void Metrics::Add(std::string_view name, const Labels& labels, double amount) {
  const std::lock_guard lock(mutex_);
  Find(name, kCounter, labels).value += amount;
}

void Metrics::Set(std::string_view name, const Labels& labels, double value) {
  const std::lock_guard lock(mutex_);
  Find(name, kGauge, labels).value = value;
}

void Metrics::Observe(std::string_view name, const Labels& labels, double seconds) {
  const std::lock_guard lock(mutex_);
  Series& series = Find(name, kHistogram, labels);
  series.value += seconds;
  ++series.count;
  for (size_t i = 0; i < kBounds.size(); ++i) series.buckets[i] += seconds <= kBounds[i] ? 1 : 0;
}

std::string Metrics::Text() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const MetricFamily& family : kFamilies) {
    const std::string_view name = family.name;
    text +=
        fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, KindName(family.kind));
    const auto found = families_.find(name);
    if (found == families_.end()) continue;
    for (const auto& [labels, series] : found->second) {
      if (family.kind != kHistogram) {
        text += fmt::format("{}{} {}\n", name, Braced(labels), series.value);
        continue;
      }
      for (size_t i = 0; i < kBounds.size(); ++i) {
        text += fmt::format("{}_bucket{} {}\n", name,
                            WithBound(labels, fmt::format("{}", kBounds[i])), series.buckets[i]);
      }
      text += fmt::format("{}_bucket{} {}\n", name, WithBound(labels, "+Inf"), series.count);
      text += fmt::format("{}_sum{} {}\n", name, Braced(labels), series.value);
      text += fmt::format("{}_count{} {}\n", name, Braced(labels), series.count);
    }
  }
  return text;
}

}  // namespace t3::serve
