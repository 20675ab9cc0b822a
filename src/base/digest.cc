// XXH64, after its specification (github.com/Cyan4973/xxHash, doc/xxhash_spec.md).
#include "base/digest.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

namespace t3 {
namespace {

constexpr uint64_t kPrime1 = 0x9E3779B185EBCA87, kPrime2 = 0xC2B2AE3D27D4EB4F,
                   kPrime3 = 0x165667B19E3779F9, kPrime4 = 0x85EBCA77C2B2AE63,
                   kPrime5 = 0x27D4EB2F165667C5;

template <typename T>
uint64_t Load(const std::byte* data) {
  static_assert(std::endian::native == std::endian::little);
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

uint64_t Round(uint64_t lane, uint64_t word) {
  return std::rotl(lane + word * kPrime2, 31) * kPrime1;
}

uint64_t Merge(uint64_t sum, uint64_t lane) { return (sum ^ Round(0, lane)) * kPrime1 + kPrime4; }

// Processes stripes of 32 bytes and advances `data` past them.
uint64_t Stripes(const std::byte*& data, const std::byte* end) {
  uint64_t lanes[4] = {kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1};
  for (; end - data >= 32; data += 32) {
    for (size_t i = 0; i < 4; ++i) lanes[i] = Round(lanes[i], Load<uint64_t>(data + 8 * i));
  }
  uint64_t sum = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) +
                 std::rotl(lanes[3], 18);
  for (const uint64_t lane : lanes) sum = Merge(sum, lane);
  return sum;
}

}  // namespace

uint64_t Digest(std::span<const std::byte> bytes) {
  const std::byte* data = bytes.data();
  const std::byte* const end = data + bytes.size();
  uint64_t sum = (bytes.size() >= 32 ? Stripes(data, end) : kPrime5) + bytes.size();
  for (; end - data >= 8; data += 8) {
    sum = std::rotl(sum ^ Round(0, Load<uint64_t>(data)), 27) * kPrime1 + kPrime4;
  }
  if (end - data >= 4) {
    sum = std::rotl(sum ^ Load<uint32_t>(data) * kPrime1, 23) * kPrime2 + kPrime3;
    data += 4;
  }
  for (; data != end; ++data) sum = std::rotl(sum ^ Load<uint8_t>(data) * kPrime5, 11) * kPrime1;
  sum = (sum ^ (sum >> 33)) * kPrime2;
  sum = (sum ^ (sum >> 29)) * kPrime3;
  return sum ^ (sum >> 32);
}

uint64_t Digest(std::string_view text) { return Digest(std::as_bytes(std::span(text))); }

std::string DigestText(uint64_t digest) { return fmt::format("{:016x}", digest); }

}  // namespace t3
