// SIGINT and SIGTERM as a request to stop.
#pragma once

#include "t3video/cancel.h"

namespace t3 {

// The exit status of a command that was told to stop.
inline constexpr int kExitInterrupted = 130;

// The first SIGINT or SIGTERM sets the returned token; the second ends the process with that
// status at once. Where stderr is a terminal a line says so; programs that read it hear of it at
// the end.
const CancelToken& CancelOnSignals();

}  // namespace t3
