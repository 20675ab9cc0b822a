// Processing of a feature map in slabs of rows, to limit the elements of a kernel's tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace t3 {

// Rows per slab: at most `rows` and at most max_elements / elements_per_row, at least 1.
int64_t SlabRows(int64_t rows, int64_t elements_per_row, int64_t max_elements);

// The tensor (..., rows, W) whose rows [begin, end) are compute(begin, end), called in order for
// slabs of at most `slab_rows` rows. With a single slab its result is returned without a copy.
at::Tensor AssembleRows(int64_t rows, int64_t slab_rows,
                        const std::function<at::Tensor(int64_t begin, int64_t end)>& compute);

}  // namespace t3
