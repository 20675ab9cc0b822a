// A handler of std::terminate.
#include "cli/uncaught.h"

#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <string_view>

#include "base/check.h"
#include "base/failure.h"

namespace t3 {
namespace {

void WriteToStderr(std::string_view text) {
  const auto ignored = ::write(STDERR_FILENO, text.data(), text.size());
  static_cast<void>(ignored);
}

// Where memory is short, the message may not find any.
[[noreturn]] void End() {
  if (!std::current_exception()) std::abort();  // not an exception: a fault of the program
  try {
    WriteToStderr(fmt::format("t3: error: {}\n", CurrentError().what()));
  } catch (...) {
    WriteToStderr("t3: error: out of host memory\n");
  }
  std::_Exit(kExitFailed);
}

}  // namespace

void ExplainUncaught() { std::set_terminate(End); }

}  // namespace t3
