// A picture of many clips, each above its true render.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace t3 {

class ContactSheet {
 public:
  // Maximum number of clips; later ones are left out.
  static constexpr int64_t kMax = 24;

  // Adds the middle frames, 256 pixels wide, of two clips (3,F,H,W) in [-1,1]; `truth` may be
  // undefined. All clips of a sheet have one shape.
  void Add(const at::Tensor& video, const at::Tensor& truth);
  // Writes a PNG with six clips a row; nothing without clips.
  void Write(const std::string& path) const;
  // Whether `path` is a PNG that Write made.
  static bool IsSheet(const std::string& path);

 private:
  std::vector<at::Tensor> tiles_;  // (3,h,256) in [0,1] on the CPU
};

}  // namespace t3
