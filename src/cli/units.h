// Prefixes of units in texts and JSON.
#pragma once

namespace t3 {

inline constexpr double kTera = 1e12;

}  // namespace t3
