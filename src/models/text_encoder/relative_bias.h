// Relative positions of UMT5.
#pragma once

#include <cstdint>
#include <vector>

namespace t3 {

// The bucket of a key that stands `distance` tokens after its query (negative: before it), among
// `num_buckets` (4 to 511): half of them for each direction; in a half, one bucket a distance up to
// half its size, then logarithmically wider ones up to distance 128, and the last for all beyond.
int64_t RelativeBucket(int64_t distance, int64_t num_buckets);

// Buckets of all pairs of `length` tokens: element query * length + key.
std::vector<int64_t> RelativeBuckets(int64_t length, int64_t num_buckets);

}  // namespace t3
