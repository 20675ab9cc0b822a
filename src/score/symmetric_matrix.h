// A small symmetric matrix and the quadratic form of its pseudo-inverse.
#pragma once

#include <cstddef>
#include <vector>

namespace t3 {

class SymmetricMatrix {
 public:
  explicit SymmetricMatrix(size_t size) : size_(size), values_(size * size) {}

  double at(size_t i, size_t j) const { return values_[i * size_ + j]; }
  // Adds to (i, j) and (j, i).
  void Add(size_t i, size_t j, double value) {
    values_[i * size_ + j] += value;
    if (i != j) values_[j * size_ + i] += value;
  }
  // x' A^+ x for a positive semidefinite matrix: directions whose eigenvalue is below size * 2^-52
  // of the largest are left out.
  double InverseForm(const std::vector<double>& x) const;

 private:
  size_t size_;
  std::vector<double> values_;
};

}  // namespace t3
