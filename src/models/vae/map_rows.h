// Rows of a feature map: what the streaming layers exchange.
#pragma once

#include <ATen/core/Tensor.h>

#include "base/check.h"
#include "plan/row_range.h"

namespace t3 {

// Rows `rows` of frames that have `height` rows.
struct MapRows {
  at::Tensor map;  // (frames, rows, columns, channels)
  RowRange rows;
  int64_t height = 0;

  // A view of some of the rows. Throws Error if they are missing.
  MapRows Part(const RowRange& part) const {
    T3_CHECK(rows.Contains(part), "rows [{}, {}) of a map that holds [{}, {})", part.begin,
             part.end, rows.begin, rows.end);
    return {map.narrow(1, part.begin - rows.begin, part.size()), part, height};
  }
};

}  // namespace t3
