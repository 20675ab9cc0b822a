// Eigenvalues by Jacobi rotations.
#include "score/symmetric_matrix.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace t3 {
namespace {

// Turns rows and columns p and q of `a` so that a(p,q) becomes 0, and the vectors `v` with them.
void Rotate(std::vector<double>& a, std::vector<double>& v, size_t n, size_t p, size_t q) {
  const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
  const double tangent = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
  const double cosine = 1 / std::sqrt(tangent * tangent + 1), sine = tangent * cosine;
  for (size_t k = 0; k < n; ++k) {
    const double kp = a[k * n + p], kq = a[k * n + q];
    a[k * n + p] = cosine * kp - sine * kq, a[k * n + q] = sine * kp + cosine * kq;
  }
  for (size_t k = 0; k < n; ++k) {
    const double pk = a[p * n + k], qk = a[q * n + k];
    a[p * n + k] = cosine * pk - sine * qk, a[q * n + k] = sine * pk + cosine * qk;
    const double vp = v[k * n + p], vq = v[k * n + q];
    v[k * n + p] = cosine * vp - sine * vq, v[k * n + q] = sine * vp + cosine * vq;
  }
}

}  // namespace

double SymmetricMatrix::InverseForm(const std::vector<double>& x) const {
  constexpr int kMaxSweeps = 50;
  const size_t n = size_;
  std::vector<double> a = values_, vectors(n * n);
  for (size_t i = 0; i < n; ++i) vectors[i * n + i] = 1;
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    bool rotated = false;
    for (size_t p = 0; p + 1 < n; ++p) {
      for (size_t q = p + 1; q < n; ++q) {
        const double scale = std::sqrt(std::abs(a[p * n + p] * a[q * n + q]));
        if (std::abs(a[p * n + q]) <= std::numeric_limits<double>::epsilon() * scale ||
            a[p * n + q] == 0)
          continue;
        Rotate(a, vectors, n, p, q), rotated = true;
      }
    }
    if (!rotated) break;
  }
  double largest = 0;
  for (size_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(a[i * n + i]));
  const double cut = largest * static_cast<double>(n) * std::numeric_limits<double>::epsilon();
  double form = 0;
  for (size_t i = 0; i < n; ++i) {
    if (a[i * n + i] <= cut) continue;
    double along = 0;
    for (size_t k = 0; k < n; ++k) along += vectors[k * n + i] * x[k];
    form += along * along / a[i * n + i];
  }
  return form;
}

}  // namespace t3
