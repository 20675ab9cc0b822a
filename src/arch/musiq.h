// Tensors of MUSIQ under the names of pyiqa's files (musiq_koniq_ckpt-e95806b9.pth and others).
#pragma once

#include "arch/naming.h"
#include "arch/tensor_spec.h"
#include "config/score_networks.h"

namespace t3 {

inline constexpr int64_t kMusiqStem = 64;      // channels of the stem's first convolution
inline constexpr int64_t kMusiqToken = 256;    // channels of its last
inline constexpr int64_t kMusiqReduction = 4;  // pixels, in both directions, to one of its values

TensorTable MusiqTensors(const MusiqConfig& config);
const Naming& MusiqNaming();

// "head" or, of a distribution, "head.0".
const char* MusiqHead(const MusiqConfig& config);

// Throws Error where the file is not such a network.
MusiqConfig ReadMusiqConfig(const NamedViews& views);

}  // namespace t3
