// Matching paths.
#include "serve/router.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "serve/api_error.h"

namespace t3::serve {

bool MatchesPattern(std::string_view pattern, std::string_view path, std::string& parameter) {
  const size_t open = pattern.find('{');
  if (open == std::string_view::npos) return pattern == path;
  const std::string_view head = pattern.substr(0, open);
  const std::string_view tail = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= head.size() + tail.size()) return false;
  if (!path.starts_with(head) || !path.ends_with(tail)) return false;
  const std::string_view middle = path.substr(head.size(), path.size() - head.size() - tail.size());
  if (middle.find('/') != std::string_view::npos) return false;
  parameter = middle;
  return true;
}

RouteMatch Router::Find(std::string_view method, std::string_view path,
                        std::string& allowed) const {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  RouteMatch match;
  // A path that is a pattern itself has its routes alone: /v1/videos/plan is not a video.
  const bool plain = std::ranges::find(routes_, path, &Route::pattern) != routes_.end();
  for (const Route& route : routes_) {
    std::string parameter;
    if (!MatchesPattern(route.pattern, path, parameter)) continue;
    if (plain && route.pattern != path) continue;
    allowed += (allowed.empty() ? "" : ", ") + route.method;
    if (route.method == wanted && match.route == nullptr) match = {&route, parameter};
  }
  if (match.route != nullptr) return match;
  const std::string shown = Quote(CutToBytes(ReplaceInvalidUtf8(path), 80));
  if (allowed.empty()) throw ApiError(404, "not_found", fmt::format("there is no route {}", shown));
  throw ApiError(405, "method_not_allowed",
                 fmt::format("{} does not take {}; it takes {}", shown,
                             Quote(CutToBytes(ReplaceInvalidUtf8(method), 20)), allowed));
}

}  // namespace t3::serve
