// How long jobs took here: the expectation of later ones of the same size where the machine is not
// calibrated.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>

#include "serve/job.h"

namespace t3::serve {

struct ExpectedTime {
  double denoising = 0;  // seconds
  double decoding = 0;
  double other = 0;  // loading and encoding the text
  double total() const { return denoising + decoding + other; }
};

// For use from several threads.
class Pace {
 public:
  // Of a completed job. Those with a draft or a source are left out: their work is of other kinds.
  void Note(const Job& job);
  std::optional<ExpectedTime> Predict(int64_t width, int64_t height, int64_t frames,
                                      int64_t steps) const;

 private:
  struct Rates {
    double step = 0;
    double decoding = 0;
    double other = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::tuple<int64_t, int64_t, int64_t>, Rates> rates_;  // width, height, frames
};

}  // namespace t3::serve
