// From a method and a path to the handler.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/exchange.h"

namespace t3::serve {

struct Route {
  std::string method;   // GET also answers HEAD
  std::string pattern;  // "/v1/videos/{id}/content": braces stand for one segment
  bool open = false;    // needs no key
  bool takes_body = false;
  std::function<void(Exchange&)> handle;
};

struct RouteMatch {
  const Route* route = nullptr;
  std::string parameter;
};

class Router {
 public:
  explicit Router(std::vector<Route> routes) : routes_(std::move(routes)) {}
  const std::vector<Route>& routes() const { return routes_; }

  // Throws ApiError: 404 for a path that no route has, 405 where only the method differs; `allowed`
  // then has the path's methods.
  RouteMatch Find(std::string_view method, std::string_view path, std::string& allowed) const;

 private:
  std::vector<Route> routes_;
};

// Whether `path` has the pattern; what the braces stand for goes to `parameter`.
bool MatchesPattern(std::string_view pattern, std::string_view path, std::string& parameter);

}  // namespace t3::serve
