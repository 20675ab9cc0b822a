// The synthetic world: captioned clips whose content is known exactly, at any size up to 4K.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "world/scene.h"

namespace t3 {

inline constexpr uint64_t kCaptionVariants = 4;

// Of one request or training.
inline constexpr int64_t kMaxWorldClips = 100'000'000;

// The scene in words, with every attribute; `variant` picks one of kCaptionVariants phrasings.
std::string Caption(const WorldScene& scene, uint64_t variant = 0);

// The attributes that a caption in one of the phrasings states, in letters of either case; absent
// for a text that does not state each of them.
std::optional<WorldValues> ReadCaption(std::string_view caption);

struct WorldCrop {
  int64_t x = 0, y = 0, width = 0, height = 0;  // in pixels of the full picture
};

struct WorldFrames {
  int64_t first = 0, count = 0;  // among the frames of the clip
};

struct WorldView {
  int64_t width = 256;  // of the full picture
  int64_t height = 144;
  int64_t frames = 17;  // motion of the caption spans the clip, however many frames it has
  double fps = 16;      // for waves, wind, wings
  std::optional<WorldCrop> crop = std::nullopt;     // the whole picture without
  std::optional<WorldFrames> range = std::nullopt;  // the whole clip without
};

// The clip, (3, frames, height, width) fp32 in [-1, 1] on `device`, or the part of it that the crop
// and range select. A picture of another size is the same picture with finer or coarser texture.
// Throws Error for sizes below 16 pixels, no frames, and a crop or range outside the clip.
at::Tensor RenderScene(const WorldScene& scene, const WorldView& view, at::Device device);

// The same for many scenes together, (scenes, 3, frames, height, width): far faster on a GPU.
at::Tensor RenderScenes(std::span<const WorldScene> scenes, const WorldView& view,
                        at::Device device);

// The fraction of each pixel that the scenes' objects cover, (scenes, frames, height, width) fp32,
// of such a view, of any size; their mirror images and shadows do not count. Throws Error for no
// frames, and a crop or range outside the clip.
at::Tensor ObjectCover(std::span<const WorldScene> scenes, const WorldView& view,
                       at::Device device);

}  // namespace t3
