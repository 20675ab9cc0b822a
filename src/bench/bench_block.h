// The blocks of a denoiser by layer type, timed and compared.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/bench_case.h"
#include "nn/tensor_map.h"
#include "runtime/stage.h"
#include "t3video/bench.h"

namespace t3 {

// FLOP of a forward of `layers` layers with these windows.
double FlopOf(const BenchCase& bench, int64_t layers, const WindowCycle& cycle);

// Block 0 of `weights` with each of the cycle's windows: appends one result for each to `results`,
// whose `layers` are then those of the model. `compare`: with the published block too, which it
// must equal but for rounding, or an Error is thrown. Advances `stage` by results.
void BenchBlocks(const BenchCase& bench, const TensorMap& weights, bool compare, Stage& stage,
                 std::vector<LayerBench>& results);

}  // namespace t3
