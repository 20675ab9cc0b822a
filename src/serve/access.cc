// Keys, hosts and origins.
#include "serve/access.h"

#include <algorithm>

#include "serve/api_error.h"

namespace t3::serve {

bool IsLoopbackName(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    return end != std::string_view::npos && host.substr(1, end - 1) == "::1";
  }
  if (host == "::1") return true;
  const std::string_view name = host.substr(0, host.find(':'));
  if (name == "localhost") return true;
  return name.starts_with("127.") && std::ranges::count(name, '.') == 3 &&
         name.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::string Access::KeyOf(const httplib::Request& request) const {
  if (!needs_key()) return "";
  const std::string header = request.get_header_value("Authorization");
  if (header.empty()) {
    throw ApiError(401, "invalid_api_key",
                   "this server needs an API key, in the header Authorization: Bearer KEY");
  }
  if (const std::optional<std::string> name = keys_.Check(BearerToken(header))) return *name;
  throw ApiError(401, "invalid_api_key", "the API key is wrong");
}

void Access::CheckSite(const httplib::Request& request) const {
  if (needs_key()) return;
  const std::string host = request.get_header_value("Host");
  if (!IsLoopbackName(host)) {
    throw ApiError(403, "wrong_host",
                   "without API keys this server answers to localhost alone; create a key with "
                   "`t3 serve --create-key NAME` to use it by another name");
  }
  if (!request.has_header("Origin")) return;
  const std::string origin = request.get_header_value("Origin");
  if (origin != "http://" + host)
    throw ApiError(403, "wrong_origin", "without API keys pages of other sites are refused");
}

}  // namespace t3::serve
