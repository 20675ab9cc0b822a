// Signal handlers; they do only what is allowed in one: a lock-free store, write and _exit.
#include "cli/signals.h"

#include <unistd.h>

#include <csignal>

namespace t3 {
namespace {

CancelToken cancel_token;
volatile std::sig_atomic_t asked_to_stop = 0;
volatile std::sig_atomic_t to_terminal = 0;

void OnSignal(int signal) {
  cancel_token.Cancel();
  // A closing session sends SIGHUP twice or with another signal; that is not a second request.
  if (signal == SIGHUP) return;
  if (asked_to_stop != 0) ::_exit(kExitInterrupted);
  asked_to_stop = 1;
  if (to_terminal == 0) return;
  constexpr char kNote[] =
      "\nstopping as soon as the work so far is saved; once more to stop at once\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kNote, sizeof(kNote) - 1);
}

bool IsIgnored(int signal) {
  struct sigaction now {};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace

const CancelToken& CancelOnSignals() {
  to_terminal = ::isatty(STDERR_FILENO);
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;  // a write that is under way is not an error
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  if (!IsIgnored(SIGHUP)) ::sigaction(SIGHUP, &action, nullptr);  // nohup(1) has it ignored
  return cancel_token;
}

}  // namespace t3
