// What the fuzz targets share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "t3video/error.h"
#include "weights/byte_reader.h"
#include "weights/types.h"

namespace t3::fuzz {

inline Bytes AsBytes(const uint8_t* data, size_t size) {
  return std::as_bytes(std::span(data, size));
}

// Reads the ends of every tensor, so that the address sanitizer sees a view that leaves its memory.
inline void Touch(const ParsedWeights& weights) {
  volatile std::byte sink{};
  for (const auto& [name, view] : weights.tensors) {
    if (view.bytes == 0) continue;
    sink = view.data[0];
    sink = view.data[view.bytes - 1];
  }
  static_cast<void>(sink);
}

// A parser may refuse its input by t3::Error and by nothing else.
template <typename Parse>
void Run(const Parse& parse) {
  try {
    parse();
  } catch (const Error&) {
  }
}

}  // namespace t3::fuzz
