// Binary logarithm by repeated squaring.
#include "plan/fixed_log.h"

#include <bit>

#include "base/check.h"

namespace t3 {

FixedLog Log2Fixed(int64_t value) {
  T3_CHECK(value >= 1, "planner: the logarithm of {} was asked for", value);
  const auto bits = static_cast<uint64_t>(value);
  const int exponent = std::bit_width(bits) - 1;
  // The mantissa in [1,2) with 31 fractional bits; its square fits 64 bits.
  uint64_t mantissa = exponent <= 31 ? bits << (31 - exponent) : bits >> (exponent - 31);
  FixedLog log = exponent;
  for (int i = 0; i < kLogBits; ++i) {
    mantissa = mantissa * mantissa >> 31;
    const uint64_t carry = mantissa >> 32;
    mantissa >>= carry;
    log = 2 * log + static_cast<FixedLog>(carry);
  }
  return log;
}

}  // namespace t3
