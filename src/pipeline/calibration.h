// How fast this machine runs a model, measured once and stored.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <optional>
#include <string>

#include "config/attention.h"
#include "config/model_config.h"
#include "loading/model_info.h"
#include "plan/cost.h"
#include "runtime/stage.h"

namespace t3 {

// Rates in multiply-accumulates a second, and what is paid once a process, in seconds.
struct Calibration {
  double linear = 0;     // linear layers, cross-attention and everything else of a forward
  double attention = 0;  // self-attention
  double decode = 0;     // the decoder; 0 where the model has none
  // The first forward beside a later one: libraries that are loaded, and products that are timed to
  // choose among the library's algorithms, for each of the rows that this is done with.
  double start = 0;
  double tuning_a_row = 0;
  double decode_start = 0;
  double copy = 0;       // bytes a second from pinned host memory to a GPU; 0 on the CPU
  std::string measured;  // day, "2026-11-24"

  // Of a later forward. `streamed`: bytes of weights that are copied while it runs.
  double ForwardSeconds(const DitCost& cost, int64_t streamed = 0) const;
  // What the first forward of `tokens` takes longer. `tunes`: not with --deterministic.
  double StartSeconds(int64_t tokens, bool tunes) const;
  double DecodeSeconds(double macs) const { return decode > 0 ? decode_start + macs / decode : 0; }
};

// What speed depends on; weights of equal sizes are equally fast.
struct CalibrationKey {
  DitConfig dit;
  DecoderConfig decoder;
  AttentionPattern attention = AttentionPattern::kFull;
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
};

// What an earlier Calibrate() of this build measured; nullopt when there was none.
std::optional<Calibration> FindCalibration(const CalibrationKey& key);

// Times forwards at two sizes and the decoding of two latent frames, some seconds each, and keeps
// the result in the user's cache folder. Throws Error where the model cannot be loaded.
Calibration Calibrate(const ModelInfo& model, const CalibrationKey& key, const RunContext& context);

}  // namespace t3
