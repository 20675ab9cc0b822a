// Buckets of relative positions.
#include "models/text_encoder/relative_bias.h"

#include <algorithm>
#include <cmath>

namespace t3 {
namespace {

constexpr double kMaxDistance = 128;
// The bounds 16, 32 and 64 have whole logarithms, which float arithmetic may miss from below.
constexpr double kRounding = 1e-6;

}  // namespace

int64_t RelativeBucket(int64_t distance, int64_t num_buckets) {
  const int64_t half = num_buckets / 2;
  const int64_t exact = half / 2;
  const int64_t direction = distance > 0 ? half : 0;
  const int64_t size = std::abs(distance);
  if (size < exact) return direction + size;
  const double octave = std::log(static_cast<double>(size) / static_cast<double>(exact)) /
                        std::log(kMaxDistance / static_cast<double>(exact));
  const auto wide = static_cast<int64_t>(octave * static_cast<double>(half - exact) + kRounding);
  return direction + std::min(exact + wide, half - 1);
}

std::vector<int64_t> RelativeBuckets(int64_t length, int64_t num_buckets) {
  std::vector<int64_t> buckets;
  buckets.reserve(static_cast<size_t>(length * length));
  for (int64_t query = 0; query < length; ++query) {
    for (int64_t key = 0; key < length; ++key) {
      buckets.push_back(RelativeBucket(key - query, num_buckets));
    }
  }
  return buckets;
}

}  // namespace t3
