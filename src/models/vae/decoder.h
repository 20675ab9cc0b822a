// The VAE's decoder.
#pragma once

#include <vector>

#include "config/model_config.h"
#include "models/vae/level_layers.h"
#include "models/vae/middle_block.h"
#include "models/vae/resample.h"

namespace t3 {

// Causal in time: latent frames in chunks of any length give the same result as all at once. Only
// the middle block sees the whole frame; all other layers see a pixel's neighbourhood.
// Differentiable.
class Decoder {
 public:
  struct LevelState {
    std::vector<ResidualBlock::State> blocks;
    ResampleState resampler;
  };
  // What later chunks need of earlier ones.
  struct State {
    CausalCache input;
    MiddleBlock::State middle;
    std::vector<LevelState> levels;
    CausalCache output;
  };

  // Takes "decoder.*".
  Decoder(const VaeConfig& config, const TensorMap& tensors, const VaeLimits& limits);

  State NewState() const;
  // z (B,z,T,h,w), the next latent frames -> (B,3*patch^2,T',8h,8w), the next 4T frames, 4T-3 at
  // the start of a video; not clamped, pixels packed.
  at::Tensor operator()(const at::Tensor& z, State& state) const;

 private:
  using Level = LevelLayers<ResidualBlock, Upsample>;
  // (B,C,T,h,w) -> the next level's shape.
  at::Tensor RunLevel(const Level& level, at::Tensor x, LevelState& state) const;

  CausalConv3d input_;
  MiddleBlock middle_;
  std::vector<Level> levels_;
  ChannelNorm norm_;
  CausalConv3d output_;
};

}  // namespace t3
