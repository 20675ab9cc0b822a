// The tensors of a network as a table of names and shapes: sums over it, and comparison of a file
// with it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "t3video/inspect.h"
#include "weights/types.h"

namespace t3 {

// One tensor under its canonical name, which is the name in the official (original) checkpoints.
struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;
  bool fp32 = false;  // stays in fp32 whatever the dtype of the run
  int64_t elements() const;
};

using TensorTable = std::vector<TensorSpec>;

int64_t ParameterCount(const TensorTable& table);

// Bytes of all tensors in a run whose dtype has `element_bytes`.
int64_t WeightBytes(const TensorTable& table, int64_t element_bytes);

// Bytes that fewer are needed where the tensors that `as_codes` names are e4m3 codes with an fp32
// scale per row.
int64_t CodesSaving(const TensorTable& table, int64_t element_bytes,
                    bool (*as_codes)(std::string_view name));

// `tensors` by canonical name.
TensorDifferences CompareWithTable(const TensorTable& table, const TensorViews& tensors);

// (3, 16, 1) as text.
std::string ShapeText(const std::vector<int64_t>& shape);

// 1 + the largest N of the names that start with "PREFIX.N."; 0 if there are none.
int64_t CountIndexed(const TensorViews& tensors, const std::string& prefix);

// Size of dimension `dim` of the tensor `name`, between 1 and 2^31 - 1, so that tables built from
// it cannot overflow. Throws Error that names `network` and the tensor if it is missing, has fewer
// dimensions or a size outside that range.
int64_t SizeOf(const TensorViews& tensors, const std::string& name, size_t dim,
               const std::string& network);

}  // namespace t3
