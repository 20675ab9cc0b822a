// What a benchmark had measured when it was interrupted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/timing.h"
#include "t3video/error.h"

namespace t3 {

// Calls measure(). The message of an interruption gets describe() added, unless that is empty.
template <typename Measure, typename Describe>
void KeepWhatWasMeasured(Measure measure, Describe describe) {
  try {
    measure();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInterrupted) throw;
    const std::string so_far = describe();
    if (so_far.empty()) throw;
    throw Error(std::string(error.what()) + "; " + so_far, error.kind());
  }
}

// "median of 7 of 20 forwards: 5090.1 ms, 5083.0 to 5096.2 ms"; "" without runs.
std::string DescribeRuns(const std::vector<double>& runs_ms, int64_t planned, const char* unit);

}  // namespace t3
