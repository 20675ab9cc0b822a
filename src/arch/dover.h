// Tensors of DOVER under the names of DOVER.pth.
#pragma once

#include <array>
#include <string>

#include "arch/naming.h"
#include "arch/tensor_spec.h"
#include "config/score_networks.h"

namespace t3 {

// Tokens along time, height and width that attend to each other in the technical branch.
inline constexpr std::array<int64_t, 3> kDoverWindow{8, 7, 7};
// Frames, rows and columns of a token in both branches.
inline constexpr std::array<int64_t, 3> kDoverPatch{2, 4, 4};
// The last stage sees windows as large as its map, and has no bias between fragments.
inline constexpr size_t kDoverFragmentStages = kDoverStages - 1;

// Frames that a depthwise convolution of the aesthetic branch covers, in block `block` of a stage.
constexpr int64_t DoverKernelFrames(int64_t block) { return block % 3 == 1 ? 3 : 1; }
inline constexpr int64_t kDoverKernel = 7;  // rows and columns

TensorTable DoverTensors(const DoverConfig& config);
const Naming& DoverNaming();

// Throws Error where the file is not DOVER's: DOVER-Mobile has other networks.
DoverConfig ReadDoverConfig(const NamedViews& views);

}  // namespace t3
