// Replies and bodies.
#include "serve/exchange.h"

#include <fmt/format.h>

#include "base/json.h"
#include "serve/api_error.h"

namespace t3::serve {

void ReplyJson(httplib::Response& response, int status, const nlohmann::ordered_json& body) {
  response.status = status;
  response.set_content(DumpJson(body), "application/json");
}

std::string ReadBody(const Exchange& exchange, size_t max_bytes) {
  std::string body;
  const bool complete = (*exchange.body)([&](const char* data, size_t size) {
    if (body.size() + size > max_bytes) {
      throw ApiError(413, "too_large", fmt::format("the body has more than {} bytes", max_bytes));
    }
    body.append(data, size);
    return true;
  });
  if (!complete) FailBody(exchange, "invalid_request", "the body is not complete");
  return body;
}

void FailBody(const Exchange& exchange, const char* code, const char* message) {
  if (exchange.response.status == 413) throw ApiError(413, "too_large", "the body is too large");
  throw ApiError(400, code, message);
}

std::string QueryOr(const Exchange& exchange, const std::string& name,
                    const std::string& fallback) {
  return exchange.request.has_param(name) ? exchange.request.get_param_value(name) : fallback;
}

}  // namespace t3::serve
