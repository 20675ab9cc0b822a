// The VAE's encoder.
#pragma once

#include <vector>

#include "config/model_config.h"
#include "models/vae/level_layers.h"
#include "models/vae/middle_block.h"
#include "models/vae/resample.h"

namespace t3 {

// Causal in time: frames in chunks (1 + 4k first, then 4k) give the same result as all at once.
// Differentiable.
class Encoder {
 public:
  struct LevelState {
    std::vector<ResidualBlock::State> blocks;
    ResampleState resampler;
  };
  // What later chunks need of earlier ones.
  struct State {
    CausalCache input;
    std::vector<LevelState> levels;
    MiddleBlock::State middle;
    CausalCache output;
  };

  // Takes "encoder.*".
  Encoder(const VaeConfig& config, const TensorMap& tensors, const VaeLimits& limits);

  State NewState() const;
  // x (B,3*patch^2,F,H,W), packed pixels -> (B,2z,F',H/8,W/8): F' = (F+3)/4 at the start of a
  // video, F/4 afterwards.
  at::Tensor operator()(const at::Tensor& x, State& state) const;

 private:
  using Level = LevelLayers<ResidualBlock, Downsample>;
  // (B,C,T,h,w) -> the next level's shape.
  at::Tensor RunLevel(const Level& level, at::Tensor x, LevelState& state) const;

  CausalConv3d input_;
  std::vector<Level> levels_;
  MiddleBlock middle_;
  ChannelNorm norm_;
  CausalConv3d output_;
};

}  // namespace t3
