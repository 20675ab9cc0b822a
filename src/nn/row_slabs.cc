// Slabs over ATen.
#include "nn/row_slabs.h"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace t3 {

int64_t SlabRows(int64_t rows, int64_t elements_per_row, int64_t max_elements) {
  return std::clamp<int64_t>(max_elements / std::max<int64_t>(elements_per_row, 1), 1,
                             std::max<int64_t>(rows, 1));
}

at::Tensor AssembleRows(int64_t rows, int64_t slab_rows,
                        const std::function<at::Tensor(int64_t begin, int64_t end)>& compute) {
  if (slab_rows >= rows) return compute(0, rows);
  at::Tensor out;
  for (int64_t begin = 0; begin < rows; begin += slab_rows) {
    const int64_t end = std::min(begin + slab_rows, rows);
    const at::Tensor slab = compute(begin, end);
    if (!out.defined()) {
      std::vector<int64_t> sizes = slab.sizes().vec();
      sizes[sizes.size() - 2] = rows;
      out = at::empty(sizes, slab.options().memory_format(slab.suggest_memory_format()));
    }
    out.narrow(-2, begin, end - begin).copy_(slab);
  }
  return out;
}

}  // namespace t3
