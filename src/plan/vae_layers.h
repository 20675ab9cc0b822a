// The VAE's layers as data: what the planner counts work and weights from.
#pragma once

#include <cstdint>
#include <vector>

#include "config/geometry.h"
#include "config/model_config.h"

namespace t3 {

// One convolution over a video.
struct VaeConv {
  int64_t in = 0;  // channels
  int64_t out = 0;
  int64_t taps = 1;  // kernel volume
  Grid size;         // frames, rows and columns of the output
  double macs() const { return 1.0 * in * out * taps * size.tokens(); }
};

// One half of a VAE: its convolutions in order (the attention's projections among them, as 1x1
// ones), the norms' weights, and the middle attention.
struct VaeLayers {
  std::vector<VaeConv> convs;
  int64_t norm_weights = 0;
  int64_t attention_channels = 0;
  Grid attention_size;
  double attention_macs() const;
  int64_t parameters() const;
};

// `latent`: T, h, w of the whole video's latents (model.md 3).
VaeLayers DecoderLayers(const VaeConfig& config, const Grid& latent);
VaeLayers EncoderLayers(const VaeConfig& config, const Grid& latent);

}  // namespace t3
