// A picture of many clips: what was made, with the truth below it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace t3 {

class ContactSheet {
 public:
  // The most clips that it shows; later ones are left out.
  static constexpr int64_t kMax = 24;

  // Takes the middle frame of each, (3,F,H,W) in [-1,1], 256 pixels wide. An undefined `truth` is
  // left out. All clips of a sheet have one shape.
  void Add(const at::Tensor& video, const at::Tensor& truth);
  // Writes a PNG of six clips a row; nothing where there is none.
  void Write(const std::string& path) const;

 private:
  std::vector<at::Tensor> tiles_;  // (3,h,256) in [0,1] on the CPU
};

}  // namespace t3
