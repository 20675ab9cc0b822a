// A reply that is an error, in the form that clients of the API expect.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace t3::serve {

// Thrown by whatever refuses a request; routes turn it into a reply.
class ApiError : public std::runtime_error {
 public:
  ApiError(int status, std::string code, const std::string& message, std::string param = {})
      : std::runtime_error(message),
        status_(status),
        code_(std::move(code)),
        param_(std::move(param)) {}

  // The same with the header Retry-After, in seconds.
  ApiError& RetryAfter(int seconds) {
    retry_after_ = seconds;
    return *this;
  }

  int status() const { return status_; }
  const std::string& code() const { return code_; }
  int retry_after() const { return retry_after_; }  // 0: no such header

  // {"error": {"message", "type", "param", "code"}}
  nlohmann::ordered_json Json() const;

 private:
  int status_;
  std::string code_;
  std::string param_;  // the field that is wrong; or empty
  int retry_after_ = 0;
};

// "invalid_request_error" and so on, as it belongs to a status.
std::string_view ErrorType(int status);

// For errors that the HTTP library finds: "not_found", "too_large", ...
std::string_view CodeOfStatus(int status);

}  // namespace t3::serve
