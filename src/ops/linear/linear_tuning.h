// Settings of the autotuner of matrix products.
#pragma once

#include <cstdint>

namespace t3 {

// Products are timed on at most this many rows: more rows repeat the same work.
inline constexpr int64_t kMaxTunedRows = 131'072;

// Off: cuBLASLt's first guess is used, so that equal runs give equal bits. On by default. For the
// whole process.
void SetLinearTuning(bool on);

}  // namespace t3
