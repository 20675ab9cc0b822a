// A server without sockets and workers: requests as text, replies as text.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "serve/http_server.h"
#include "serve/service.h"
#include "serve/testing/memory_stream.h"
#include "serve/testing/temporary_folder.h"

namespace t3::serve {

class TestServer {
 public:
  // With keys where `keys_text` is not empty.
  explicit TestServer(const Limits& limits = UsualLimits(), const std::string& keys_text = "")
      : files_(folder_.path() + "/data"),
        jobs_(files_, limits, "demo", metrics_),
        workers_({}, files_, jobs_, metrics_),
        rate_(limits.max_per_minute),
        service_{files_, jobs_, workers_, metrics_, rate_, limits, "demo", "", false},
        keys_(WriteKeys(keys_text)),
        dispatcher_(Router(Routes()), Access(keys_, false), metrics_),
        http_({"127.0.0.1", 0, 16, kMaxBody, {}}, dispatcher_, metrics_) {}

  static Limits UsualLimits() {
    Limits limits;
    limits.min_free_bytes = 1;
    limits.max_per_minute = 0;
    limits.max_upload_bytes = 10000;
    return limits;
  }

  // The reply to the bytes of a request.
  std::string Send(const std::string& request) {
    MemoryStream stream(request);
    http_.ServeOne(stream);
    return stream.reply();
  }
  // With Host, and the length of the body where there is one.
  std::string Send(const std::string& head, const std::string& headers, const std::string& body) {
    const std::string length =
        body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return Send(head + " HTTP/1.1\r\nHost: localhost\r\n" + headers + length + "\r\n" + body);
  }
  std::string Get(const std::string& path) { return Send("GET " + path, "", ""); }
  std::string PostJson(const std::string& path, const std::string& body) {
    return Send("POST " + path, "Content-Type: application/json\r\n", body);
  }

  Jobs& jobs() { return jobs_; }
  const JobFiles& files() const { return files_; }
  Metrics& metrics() { return metrics_; }
  const Router& router() const { return dispatcher_.router(); }
  HttpServer& http() { return http_; }

  static constexpr int64_t kMaxBody = 100000;

 private:
  std::string WriteKeys(const std::string& text) const {
    std::string path = folder_.path() + "/keys";
    if (!text.empty()) std::ofstream(path) << text;
    return path;
  }
  std::vector<Route> Routes() {
    std::vector<Route> routes;
    AddVideoRoutes(service_, routes);
    AddContentRoute(service_, routes);
    AddEventsRoute(service_, routes);
    AddPlanRoute(service_, routes);
    AddSiteRoutes(service_, routes);
    return routes;
  }

  TemporaryFolder folder_;
  JobFiles files_;
  Metrics metrics_;
  Jobs jobs_;
  Workers workers_;
  RateLimit rate_;
  Service service_;
  ApiKeys keys_;
  Dispatcher dispatcher_;
  HttpServer http_;
};

}  // namespace t3::serve
