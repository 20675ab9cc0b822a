// The types of GGUF's tensors.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "weights/types.h"

namespace t3 {

struct GgufType {
  uint32_t id;
  std::string_view name;       // ggml's: "Q4_K", ...
  std::optional<DType> dtype;  // absent where t3 does not read it
};

// nullptr for a number that is not in the table.
const GgufType* FindGgufType(uint32_t id);

}  // namespace t3
