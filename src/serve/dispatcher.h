// What happens to every request: an id, headers, checks, its route, errors as objects, a line in
// the log and metrics.
#pragma once

#include <httplib.h>

#include <chrono>
#include <string>

#include "serve/access.h"
#include "serve/metrics.h"
#include "serve/router.h"

namespace t3::serve {

class ClientStream;

// Of one connection, for the request that is under way.
struct Connection {
  const ClientStream* client = nullptr;
  std::string remote;
  std::string request_id;
  std::string key;
  RouteMatch match;
  bool routed = false;  // the head was understood
  std::chrono::steady_clock::time_point began;
};

class Dispatcher {
 public:
  Dispatcher(Router router, Access access, Metrics& metrics)
      : router_(std::move(router)), access_(access), metrics_(metrics) {}

  const Router& router() const { return router_; }

  // Handles a request that has no body or must not have its body read; false where the body comes
  // next, for HandleBody.
  bool Handle(Connection& connection, const httplib::Request& request,
              httplib::Response& response) const;
  void HandleBody(Connection& connection, const httplib::Request& request,
                  httplib::Response& response, const httplib::ContentReader& body) const;
  // Gives an error that the HTTP library found the form of the others.
  void FillError(Connection& connection, httplib::Response& response) const;
  // After the reply was sent.
  void Finished(const Connection& connection, const httplib::Request& request,
                const httplib::Response& response) const;

 private:
  void Call(Connection& connection, const httplib::Request& request, httplib::Response& response,
            const httplib::ContentReader* body) const;
  void Begin(Connection& connection, const httplib::Request& request,
             httplib::Response& response) const;

  Router router_;
  Access access_;
  Metrics& metrics_;
};

// The headers that every reply has.
const httplib::Headers& SecurityHeaders();

}  // namespace t3::serve
