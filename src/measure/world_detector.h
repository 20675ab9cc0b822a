// Reads the attributes and the long-range constraints of the world back from a clip.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <utility>

#include "measure/world_features.h"
#include "world/scene.h"

namespace t3 {

// What a clip shows, from its pixels alone.
struct WorldReading {
  WorldValues values{};  // every attribute; without an object, object, color and motion are -1

  // Constraints; true clips satisfy all of them.
  double objects = 0;            // painted regions between the lanterns, mean over the frames
  bool pair_matched = false;     // one lantern at each edge, of one colour, at one height
  double travel = 0;             // of the object to the right, in widths of the picture
  double path_error = 0;         // RMS distance of its centre from uniform motion, in heights
  double frames_seen = 0;        // fraction of the frames that show the object
  double mirror = 0;             // at sea: strength of its mirror image, 1: as strong as the object
  bool shading_matches = false;  // the object is brighter on the side of the sun or moon
  double shadow = 0;  // on land: log ratio of the ground's brightness on the other side and where
                      // the shadow should be; negative when the other side is darker

  bool OneObject() const { return objects > 0.75 && objects < 1.25; }
  bool PathContinuous() const { return frames_seen > 0.9 && path_error < 0.03; }
  bool MirrorPresent() const { return mirror > 0.15; }
  bool ShadowPresent() const { return shadow > 0.05; }
  // The five constraints of a scene with their names in reports: a mirror image is for the sea, a
  // shadow for land.
  std::array<std::pair<const char*, bool>, 5> Constraints(bool at_sea) const;
};

// `video`: (3, frames, height, width) in [-1, 1] on any device, at least 2 frames; read at 256x144.
WorldReading ReadWorld(const at::Tensor& video);

// The features of a clip, for world_fit.cc.
WorldFeatures FeaturesOf(const at::Tensor& video);

}  // namespace t3
