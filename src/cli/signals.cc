// Signal handlers; they do only what is allowed in one: a lock-free store, write and _exit.
#include "cli/signals.h"

#include <unistd.h>

#include <csignal>

namespace t3 {
namespace {

CancelToken cancel_token;
volatile std::sig_atomic_t signals_seen = 0;
volatile std::sig_atomic_t to_terminal = 0;

void OnSignal(int) {
  if (signals_seen != 0) ::_exit(kExitInterrupted);
  signals_seen = 1;
  cancel_token.Cancel();
  if (to_terminal == 0) return;
  constexpr char kNote[] =
      "\nstopping after this step, whose state is saved; once more to stop at once\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kNote, sizeof(kNote) - 1);
}

}  // namespace

const CancelToken& CancelOnSignals() {
  to_terminal = ::isatty(STDERR_FILENO);
  struct sigaction action {};
  action.sa_handler = OnSignal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::signal(SIGXFSZ, SIG_IGN);  // a file size limit is reported by write(), not by death
  return cancel_token;
}

}  // namespace t3
