// Putting the server together.
#include "serve/server.h"

#include <unistd.h>

#include <csignal>
#include <ctime>
#include <filesystem>

#include "base/check.h"
#include "base/failure.h"
#include "base/output_lock.h"
#include "serve/http_server.h"
#include "serve/server_log.h"
#include "serve/service.h"
#include "t3video/version.h"

namespace t3::serve {
namespace {

// Of a body: the file and the texts.
constexpr int64_t kBodyBeyondFile = 1 << 20;
// Seconds between two looks at the disk and at old jobs.
constexpr int kTidyEvery = 5;

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

// Every thread that starts later has them blocked, so that they reach the wait below.
void BlockSignals() {
  const sigset_t signals = StopSignals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

// Waits a second; true where a signal came.
bool WaitForSignal() {
  const sigset_t signals = StopSignals();
  const timespec timeout{1, 0};
  return ::sigtimedwait(&signals, nullptr, &timeout) > 0;
}

// A second signal while the state is saved ends the process, and the kernel the workers.
void EndOnNextSignal() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  const sigset_t signals = StopSignals();
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void CheckExposure(const ServerOptions& options, ApiKeys& keys) {
  if (IsLoopbackName(options.host) || !keys.empty()) return;
  FailUsage(
      "`host` {} can be reached from other machines, and there is no API key in {}; create one "
      "with `t3 serve --create-key NAME`",
      options.host, KeysFile(options));
}

std::vector<WorkerSettings> WorkersOf(const ServerOptions& options) {
  std::vector<WorkerSettings> settings;
  for (const auto& open : options.workers)
    settings.push_back({"/proc/self/exe", open, options.loras});
  return settings;
}

std::vector<Route> RoutesOf(Service& service) {
  std::vector<Route> routes;
  AddVideoRoutes(service, routes);
  AddContentRoute(service, routes);
  AddEventsRoute(service, routes);
  AddPlanRoute(service, routes);
  AddSiteRoutes(service, routes);
  return routes;
}

void SetBuildInfo(Metrics& metrics) {
  const BuildInfo& build = GetBuildInfo();
  metrics.Set("t3_build_info", {{"version", build.version}, {"commit", build.commit}}, 1);
}

std::string Address(const std::string& host, int port) {
  const bool brackets = host.find(':') != std::string::npos;
  return fmt::format("http://{}:{}", brackets ? "[" + host + "]" : host, port);
}

// A failure of one round must not end the server.
void Tidy(Jobs& jobs) {
  try {
    jobs.Tidy();
  } catch (...) {
    Log("error", "tidying_failed", {{"text", CurrentError().what()}});
  }
}

// Until a signal comes. Throws Error where a worker cannot start at all.
void WaitForEnd(Jobs& jobs, const Workers& workers) {
  for (int seconds = 1; !WaitForSignal(); ++seconds) {
    const std::string failure = workers.StartFailure();
    if (!failure.empty()) Fail("a worker could not start: {}", failure);
    if (seconds % kTidyEvery == 0) Tidy(jobs);
  }
}

}  // namespace

std::string KeysFile(const ServerOptions& options) {
  return options.keys.empty() ? options.data + "/keys" : options.keys;
}

void RunServer(const ServerOptions& options) {
  BlockSignals();
  SendLibraryLogHere();
  ApiKeys keys(KeysFile(options));
  CheckExposure(options, keys);
  const JobFiles files(std::filesystem::absolute(options.data).string());
  const OutputLock lock(files.folder(), "give another folder as `data`");
  Metrics metrics;
  SetBuildInfo(metrics);
  Jobs jobs(files, options.limits, options.model, metrics);
  Tidy(jobs);
  Workers workers(WorkersOf(options), files, jobs, metrics);
  RateLimit rate(options.limits.max_per_minute);
  Service service{files,         jobs,          workers,
                  metrics,       rate,          options.limits,
                  options.model, options.loras, options.log_prompts};
  const Access access(keys, !IsLoopbackName(options.host) || !keys.empty());
  const Dispatcher dispatcher(Router(RoutesOf(service)), access, metrics);
  HttpServer http({options.host,
                   options.port,
                   options.limits.max_connections,
                   options.limits.max_upload_bytes + kBodyBeyondFile,
                   {}},
                  dispatcher, metrics);
  http.Start();
  const std::string address = Address(options.host, http.port());
  Log("info", "listening", {{"address", address}, {"keys", access.needs_key()}});
  fmt::print("t3 serve: {}\n", address);
  std::fflush(stdout);
  WaitForEnd(jobs, workers);
  Log("info", "stopping");
  EndOnNextSignal();
  jobs.Stop();
  workers.Stop();
  http.Stop();
}

}  // namespace t3::serve
