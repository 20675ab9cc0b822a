// What the library throws.
#pragma once

#include <stdexcept>
#include <string>

namespace t3 {

enum class ErrorKind {
  kFailed,       // the work could not be done: bad file, no memory, no space (exit code 1)
  kUsage,        // the request itself is wrong (exit code 2)
  kInterrupted,  // cancelled by the caller or a signal (exit code 130)
};

// Every error that the library reports. The message says who, what came, what was wanted and what
// to do, and ends without a line break.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, ErrorKind kind = ErrorKind::kFailed)
      : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace t3
