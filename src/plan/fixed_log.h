// Logarithms in integer arithmetic, so that plans are the same on every machine and compiler.
#pragma once

#include <cstdint>

namespace t3 {

// A logarithm to base 2 with kLogBits fractional bits.
using FixedLog = int64_t;
inline constexpr int kLogBits = 20;
inline constexpr FixedLog kLogOne = FixedLog{1} << kLogBits;

// log2(value), rounded down, for 1 <= value < 2^63.
FixedLog Log2Fixed(int64_t value);

}  // namespace t3
