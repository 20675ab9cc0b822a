// The block between encoder or decoder levels and the latents' side: residual, attention, residual.
#pragma once

#include <string>

#include "models/vae/attention_block.h"
#include "models/vae/residual_block.h"

namespace t3 {

class MiddleBlock {
 public:
  struct State {
    ResidualBlock::State first;
    ResidualBlock::State last;
  };

  // Takes `prefix`.{0,1,2}.
  MiddleBlock(const TensorMap& tensors, const std::string& prefix, const VaeLimits& limits)
      : first_(tensors, prefix + ".0", limits),
        attention_(tensors, prefix + ".1", limits),
        last_(tensors, prefix + ".2", limits) {}

  // x (B,C,T,H,W), whole frames -> the same.
  at::Tensor operator()(const at::Tensor& x, State& state) const {
    return last_(attention_(first_(x, state.first)), state.last);
  }

 private:
  ResidualBlock first_;
  AttentionBlock attention_;
  ResidualBlock last_;
};

}  // namespace t3
