// A port to listen on.
#pragma once

#include <cstdint>

namespace t3 {

// A port of the loopback interface that nobody listens on now. Throws Error where there is none.
int64_t FreePort();

}  // namespace t3
