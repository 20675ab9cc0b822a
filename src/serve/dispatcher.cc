// From a request to its handler and back.
#include "serve/dispatcher.h"

#include "base/failure.h"
#include "base/lower_case.h"
#include "base/parse_number.h"
#include "serve/api_error.h"
#include "serve/ids.h"
#include "serve/server_log.h"

namespace t3::serve {
namespace {

// No path that has a route is longer.
constexpr size_t kMaxPath = 256;

bool TakesBody(const std::string& method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

// Lengths that a proxy before this server may read in another way.
void CheckFraming(const httplib::Request& request) {
  const size_t lengths = request.get_header_value_count("Content-Length");
  const size_t encodings = request.get_header_value_count("Transfer-Encoding");
  if (lengths + encodings > 1) {
    throw ApiError(400, "invalid_request",
                   "the request has more than one of Content-Length and Transfer-Encoding");
  }
  const std::string length = request.get_header_value("Content-Length");
  if (lengths == 1 && !ParseNumber<uint64_t>(length)) {
    throw ApiError(400, "invalid_request", "Content-Length is not a whole number of bytes");
  }
  if (encodings == 1 && AsciiLowerCase(request.get_header_value("Transfer-Encoding")) != "chunked")
    throw ApiError(400, "invalid_request", "Transfer-Encoding is not chunked");
}

void CheckHasLength(const httplib::Request& request) {
  const bool chunked = request.has_header("Transfer-Encoding");
  if (!chunked && !request.has_header("Content-Length"))
    throw ApiError(411, "length_required", "the request has neither Content-Length nor chunks");
  if (request.has_header("Content-Encoding")) {
    throw ApiError(415, "unsupported_type",
                   "compressed bodies are not accepted: send it without Content-Encoding");
  }
}

void ReplyError(httplib::Response& response, const ApiError& error) {
  if (error.retry_after() > 0)
    response.set_header("Retry-After", std::to_string(error.retry_after()));
  if (error.status() == 401) response.set_header("WWW-Authenticate", "Bearer");
  ReplyJson(response, error.status(), error.Json());
}

// Runs `work`; what it throws becomes the reply.
template <typename Work>
void Replying(const Connection& connection, httplib::Response& response, Work work) {
  try {
    work();
  } catch (const ApiError& error) {
    ReplyError(response, error);
  } catch (...) {
    Log("error", "request_failed",
        {{"request_id", connection.request_id}, {"text", CurrentError().what()}});
    ReplyError(response, ApiError(500, "internal_error",
                                  "the server failed; its log has the id of the request"));
  }
}

}  // namespace

const httplib::Headers& SecurityHeaders() {
  static const httplib::Headers headers{
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
       "media-src 'self' blob:; connect-src 'self'; form-action 'none'; base-uri 'none'; "
       "frame-ancestors 'none'"}};
  return headers;
}

void Dispatcher::Begin(Connection& connection, const httplib::Request& request,
                       httplib::Response& response) const {
  connection.routed = true;
  response.set_header("X-Request-Id", connection.request_id);
  CheckFraming(request);
  if (request.path.size() > kMaxPath)
    throw ApiError(414, "url_too_long", "no route has a path of that length");
  access_.CheckSite(request);
  std::string allowed;
  try {
    connection.match = router_.Find(request.method, request.path, allowed);
  } catch (...) {
    if (!allowed.empty()) response.set_header("Allow", allowed);
    throw;
  }
  if (!connection.match.route->open) connection.key = access_.KeyOf(request);
}

void Dispatcher::Call(Connection& connection, const httplib::Request& request,
                      httplib::Response& response, const httplib::ContentReader* body) const {
  const Route& route = *connection.match.route;
  Exchange exchange{request,        response,
                    route.pattern,  connection.match.parameter,
                    connection.key, connection.request_id,
                    body,           connection.client};
  route.handle(exchange);
  if (!response.has_header("Cache-Control")) response.set_header("Cache-Control", "no-store");
}

bool Dispatcher::Handle(Connection& connection, const httplib::Request& request,
                        httplib::Response& response) const {
  bool handled = true;
  Replying(connection, response, [&] {
    Begin(connection, request, response);
    if (TakesBody(request.method)) CheckHasLength(request);
    handled = !connection.match.route->takes_body;
    if (handled) Call(connection, request, response, nullptr);
  });
  return handled;
}

void Dispatcher::HandleBody(Connection& connection, const httplib::Request& request,
                            httplib::Response& response, const httplib::ContentReader& body) const {
  Replying(connection, response, [&] { Call(connection, request, response, &body); });
}

void Dispatcher::FillError(Connection& connection, httplib::Response& response) const {
  if (!response.body.empty() || response.status < 400) return;
  if (!response.has_header("X-Request-Id"))
    response.set_header("X-Request-Id", connection.request_id);
  const std::string code(CodeOfStatus(response.status));
  ReplyError(response, ApiError(response.status, code, "the request was not understood: " + code));
}

void Dispatcher::Finished(const Connection& connection, const httplib::Request& request,
                          const httplib::Response& response) const {
  const std::string route =
      connection.match.route == nullptr ? "none" : connection.match.route->pattern;
  const std::string method = connection.match.route == nullptr ? "none" : request.method;
  const std::string code = std::to_string(response.status);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - connection.began).count();
  metrics_.Add("t3_http_requests_total", {{"route", route}, {"method", method}, {"code", code}});
  // The time of a stream is its client's.
  if (response.get_header_value("Content-Type") != "text/event-stream")
    metrics_.Observe("t3_http_request_duration_seconds", {{"route", route}}, seconds);
  Log("info", "request",
      {{"request_id", connection.request_id},
       {"remote", connection.remote},
       {"key", connection.key},
       {"method", method},
       {"route", route},
       {"status", response.status},
       {"seconds", seconds}});
}

}  // namespace t3::serve
