// Tensors of the LAION aesthetic head on CLIP's embeddings.
#pragma once

#include <cstddef>
#include <string>

#include "arch/naming.h"
#include "arch/tensor_spec.h"
#include "config/score_networks.h"

namespace t3 {

// Names of sac+logos+ava1-l14-linearMSE.pth.
TensorTable AestheticTensors(const AestheticConfig& config);
const Naming& AestheticNaming();

inline constexpr size_t kAestheticLayers = 5;
// The name of layer `layer` in the file.
std::string AestheticLayer(size_t layer);

// Throws Error where the file is not such a head.
AestheticConfig ReadAestheticConfig(const NamedViews& views);

}  // namespace t3
