// What tensors a network has: a table of names and shapes, and the comparison of a file with it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weights/types.h"

namespace t3 {

// One tensor under its canonical name, which is the name in the official (original) checkpoints.
struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;
  int64_t elements() const;
};

using TensorTable = std::vector<TensorSpec>;

// Differences between a table and a file, by name.
struct TableDifferences {
  std::vector<std::string> missing;    // in the table only
  std::vector<std::string> surplus;    // in the file only
  std::vector<std::string> misshapen;  // "NAME is (1, 2), wanted (2, 1)"
  bool none() const { return missing.empty() && surplus.empty() && misshapen.empty(); }
};

// `tensors` by canonical name.
TableDifferences CompareWithTable(const TensorTable& table, const TensorViews& tensors);

// One line a kind: "3 tensors are missing: a, b, c"; at most `limit` names of each kind, then the
// number of those left out. Empty when there are no differences.
std::string DescribeDifferences(const TableDifferences& differences, size_t limit = 8);

// (3, 16, 1) as text.
std::string ShapeText(const std::vector<int64_t>& shape);

// 1 + the largest N of names that start with "PREFIX.N."; 0 when there is none.
int64_t CountIndexed(const TensorViews& tensors, const std::string& prefix);

// Size of dimension `dim` of the tensor `name`, between 1 and 2^31 - 1, so that tables made of it
// cannot overflow; throws Error that names `network` and the tensor when it is missing, has fewer
// dimensions or another size.
int64_t SizeOf(const TensorViews& tensors, const std::string& name, size_t dim,
               const std::string& network);

}  // namespace t3
