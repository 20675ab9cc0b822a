// The header Range of a request.
#pragma once

#include <cstdint>
#include <string_view>

namespace t3::serve {

struct ByteRange {
  enum class Kind { kWhole, kPart, kUnsatisfiable };
  Kind kind = Kind::kWhole;
  int64_t first = 0;
  int64_t length = 0;
};

// Of a file of `size` bytes. Several ranges, other units and what is not a range are the whole
// file, as RFC 9110 allows: otherwise a short header could ask for the file a thousand times.
ByteRange ParseRange(std::string_view header, int64_t size);

}  // namespace t3::serve
