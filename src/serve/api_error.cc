// Error objects.
#include "serve/api_error.h"

#include <algorithm>
#include <array>

namespace t3::serve {
namespace {

struct StatusRow {
  int status;
  std::string_view type;
  std::string_view code;
};

// Statuses that are not here are faults of the request.
constexpr std::array<StatusRow, 14> kStatuses{{
    {400, "invalid_request_error", "invalid_request"},
    {401, "authentication_error", "invalid_api_key"},
    {403, "permission_error", "forbidden"},
    {404, "invalid_request_error", "not_found"},
    {405, "invalid_request_error", "method_not_allowed"},
    {408, "invalid_request_error", "too_slow"},
    {411, "invalid_request_error", "length_required"},
    {413, "invalid_request_error", "too_large"},
    {414, "invalid_request_error", "url_too_long"},
    {415, "invalid_request_error", "unsupported_type"},
    {416, "invalid_request_error", "invalid_range"},
    {429, "rate_limit_error", "too_many_requests"},
    {500, "server_error", "internal_error"},
    {503, "server_error", "not_ready"},
}};

const StatusRow& RowOf(int status) {
  const auto found = std::ranges::find(kStatuses, status, &StatusRow::status);
  if (found != kStatuses.end()) return *found;
  return status >= 500 ? kStatuses[12] : kStatuses[0];
}

}  // namespace

std::string_view ErrorType(int status) { return RowOf(status).type; }

std::string_view CodeOfStatus(int status) { return RowOf(status).code; }

nlohmann::ordered_json ApiError::Json() const {
  nlohmann::ordered_json error{
      {"message", what()}, {"type", ErrorType(status_)}, {"param", nullptr}, {"code", nullptr}};
  if (!param_.empty()) error["param"] = param_;
  if (!code_.empty()) error["code"] = code_;
  return {{"error", error}};
}

}  // namespace t3::serve
