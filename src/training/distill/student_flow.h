// The student's flow loss and its gradient.
#pragma once

#include <vector>

#include "training/distill/networks.h"
#include "training/dit/flow.h"

namespace t3 {

// Adds the gradient of `scale` times the loss to the student's leaves; returns the loss, a fp32
// scalar without gradient. texts: B encoded captions.
at::Tensor StudentFlowBackward(DistillNetworks& networks, const NoisyBatch& noisy,
                               const std::vector<at::Tensor>& texts, double scale);

}  // namespace t3
