// The products of a block in bf16 and of e4m3 codes.
#pragma once

#include <vector>

#include "bench/bench_case.h"
#include "nn/tensor_map.h"
#include "t3video/bench.h"

namespace t3 {

// Those that `dtype` fp8 changes, of block 0 of `weights` (bf16), on random inputs.
std::vector<ProductBench> BenchProducts(const BenchCase& bench, const TensorMap& weights);

}  // namespace t3
