// Sizes of the networks that score finished videos, read from their files.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace t3 {

// One tower of CLIP: a transformer whose heads are 64 wide and whose feed-forward layers are four
// times as wide as itself.
struct ClipTowerConfig {
  int64_t width = 0;
  int64_t layers = 0;
  static constexpr int64_t kHeadWidth = 64;
  int64_t heads() const { return width / kHeadWidth; }
  bool operator==(const ClipTowerConfig&) const = default;
};

// CLIP with a vision transformer. ViT-L/14: image 1024 x 24, text 768 x 12.
struct ClipConfig {
  ClipTowerConfig image;
  ClipTowerConfig text;
  int64_t embedding = 0;   // width that both towers project to
  int64_t patch = 0;       // pixels, in both directions
  int64_t image_size = 0;  // pixels, in both directions
  int64_t context = 0;     // ids of a text, start and end included
  int64_t vocab_size = 0;  // the last two entries are the start and the end id
  // x sigmoid(1.702 x), which OpenAI's weights need, or GELU. The tensors do not say which.
  bool quick_gelu = true;
  // As transformers stores it: q, k and v apart, projections as (out, in).
  bool separate = false;
  bool operator==(const ClipConfig&) const = default;
};

// The LAION aesthetic head: linear layers without activations in between.
struct AestheticConfig {
  std::vector<int64_t> widths;  // input, after each layer; 768, 1024, 128, 64, 16, 1
  bool operator==(const AestheticConfig&) const = default;
};

inline constexpr size_t kDoverStages = 4;

// DOVER: a video Swin transformer for the technical view, a 3D ConvNeXt for the aesthetic view, and
// a head of two layers for each.
struct DoverConfig {
  int64_t swin_dim = 96;  // of stage 0; each stage doubles it
  std::array<int64_t, kDoverStages> swin_depths{2, 2, 6, 2};
  std::array<int64_t, kDoverStages> swin_heads{3, 6, 12, 24};
  std::array<int64_t, kDoverStages> conv_dims{96, 192, 384, 768};
  std::array<int64_t, kDoverStages> conv_depths{3, 3, 9, 3};
  int64_t head_width = 64;
  int64_t swin_width(size_t stage) const { return swin_dim << stage; }
  bool operator==(const DoverConfig&) const = default;
};

// MUSIQ: a convolutional stem for each patch, then a transformer over the patches of all scales.
struct MusiqConfig {
  int64_t patch = 32;
  int64_t width = 384;
  int64_t ffn_dim = 1152;
  int64_t layers = 14;
  int64_t grid = 10;    // positions are hashed to grid x grid
  int64_t scales = 3;   // the longer sides below, and the picture's own size
  int64_t classes = 1;  // 10: a distribution over the marks 1 to 10 (the AVA weights)
  std::vector<int64_t> longer_sides{224, 384};
  static constexpr int64_t kHeadWidth = 64;
  int64_t heads() const { return width / kHeadWidth; }
  bool operator==(const MusiqConfig&) const = default;
};

}  // namespace t3
