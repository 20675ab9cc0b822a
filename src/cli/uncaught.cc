// A handler of std::terminate.
#include "cli/uncaught.h"

#include <unistd.h>

#include <cstdlib>
#include <exception>

#include "base/check.h"
#include "base/failure.h"
#include "base/write_all.h"

namespace t3 {
namespace {

// Where memory is short, the message may not find any.
[[noreturn]] void End() {
  if (!std::current_exception()) std::abort();  // not an exception: a fault of the program
  try {
    WriteAll(STDERR_FILENO, fmt::format("t3: error: {}\n", CurrentError().what()));
  } catch (...) {
    WriteAll(STDERR_FILENO, "t3: error: out of host memory\n");
  }
  std::_Exit(kExitFailed);
}

}  // namespace

void ExplainUncaught() { std::set_terminate(End); }

}  // namespace t3
