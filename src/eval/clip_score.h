// Measures of one clip of the world, and their JSON.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "t3video/eval.h"
#include "world/scene.h"

namespace t3 {

// Every measure in the order of reports: the attributes first.
std::span<const MeasureKind> MeasureKinds();

struct ClipScore {
  uint64_t scene = 0;  // of HeldOutScene
  std::string caption;
  WorldValues wanted{};
  WorldValues read{};                      // -1: not seen
  std::map<std::string, double> measures;  // those that apply to the clip, by name
};

// Reads `video` with the world's detector and compares it with `truth`, the true render of `scene`,
// both (3,F,H,W), F >= 3, on one device. Mirror image and shadow are measured where the scene
// should have them.
ClipScore ScoreClip(uint64_t number, const WorldScene& scene, const at::Tensor& video,
                    const at::Tensor& truth);

// Ratio of the detail of `video` to that of `small`, a clip (3,F,h,w) of the same model and scene
// enlarged to the same size by bicubic interpolation; clamped to 1/1000 to 1000.
double DetailOverEnlarged(const at::Tensor& video, const at::Tensor& small);

nlohmann::ordered_json ToJson(const ClipScore& score);

}  // namespace t3
