// IEEE half precision, without torch.
#pragma once

#include <bit>
#include <cstdint>

namespace t3 {

// The value of the bits of an fp16 number; exact.
inline float HalfToFloat(uint16_t half) {
  const uint32_t sign = (half & 0x8000U) << 16;
  const uint32_t exponent = half >> 10 & 31U;
  const uint32_t fraction = half & 1023U;
  if (exponent == 0) {  // subnormal: a multiple of 2^-24
    const float value = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -value : value;
  }
  const uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

}  // namespace t3
