// Captions as the layers of a network in a batch see them.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "models/dit/dit.h"

namespace t3 {

// texts: B of (L, width). Dit::ForwardBatch takes the differentiable form alone.
inline TextContext BatchTexts(const Dit& dit, const std::vector<at::Tensor>& texts) {
  return dit.PrepareTexts(texts, ExecutionMode::kDifferentiable);
}

}  // namespace t3
