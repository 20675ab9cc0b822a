// One request and its reply, as handlers of routes see it.
#pragma once

#include <httplib.h>

#include <nlohmann/json.hpp>
#include <string>

namespace t3::serve {

class ClientStream;

struct Exchange {
  const httplib::Request& request;
  httplib::Response& response;
  std::string route;      // "/v1/videos/{id}"
  std::string parameter;  // what stands in place of the route's braces; or empty
  std::string key;        // name of the API key; empty without keys
  std::string request_id;
  const httplib::ContentReader* body = nullptr;  // of routes that take one
  const ClientStream* client = nullptr;          // absent in tests
};

void ReplyJson(httplib::Response& response, int status, const nlohmann::ordered_json& body);

// The whole body where it is not longer than `max_bytes`. Throws ApiError.
std::string ReadBody(const Exchange& exchange, size_t max_bytes);

// Throws ApiError for a body whose reading the HTTP library gave up: 413 where it is too long, else
// 400 with `code`.
[[noreturn]] void FailBody(const Exchange& exchange, const char* code, const char* message);

// A parameter of the URL; `fallback` where it is absent.
std::string QueryOr(const Exchange& exchange, const std::string& name, const std::string& fallback);

}  // namespace t3::serve
