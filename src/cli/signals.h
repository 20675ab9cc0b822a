// SIGINT, SIGTERM and SIGHUP as a request to stop.
#pragma once

#include "t3video/cancel.h"

namespace t3 {

// The exit status of a command that was interrupted.
inline constexpr int kExitInterrupted = 130;

// The first of these signals sets the returned token; a second SIGINT or SIGTERM ends the process
// with that status at once. SIGHUP stays ignored where it was. If stderr is a terminal, a line
// confirms the first; programs that read stderr get the error at the end.
const CancelToken& CancelOnSignals();

}  // namespace t3
