// Little-endian reading of untrusted bytes with every step checked.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/check.h"

namespace t3 {

using Bytes = std::span<const std::byte>;

inline std::string_view AsText(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A cursor over `bytes`. `what` names them in messages ("the zip directory") and must outlive this.
class ByteReader {
 public:
  ByteReader(Bytes bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  // The next `count` bytes; throws Error when fewer are left.
  Bytes Take(uint64_t count) {
    T3_CHECK(count <= remaining(),
             "{} is truncated: {} bytes are wanted at byte {}, {} are left; fetch the file again",
             what_, count, position_, remaining());
    const Bytes taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }

  template <std::unsigned_integral T>
  T Read() {
    const Bytes bytes = Take(sizeof(T));
    uint64_t value = 0;
    for (size_t i = sizeof(T); i-- > 0;) value = value << 8 | std::to_integer<uint64_t>(bytes[i]);
    return static_cast<T>(value);
  }

 private:
  Bytes bytes_;
  std::string_view what_;
  size_t position_ = 0;
};

}  // namespace t3
