// A small picture of the video that is being made.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>

#include "pipeline/preview_map.h"

namespace t3 {

class Preview {
 public:
  Preview(std::string path, int64_t every, int64_t steps, PreviewMap map);

  // After the first step, every so many and the last: the first, the middle and the last latent
  // frame of clean() (z,T,h,w) side by side, a pixel a latent or several where that is under 256
  // pixels wide. A place that cannot be written is a warning.
  void AfterStep(int64_t step, const std::function<at::Tensor()>& clean) const;

 private:
  void Write(int64_t step, const at::Tensor& clean) const;

  std::string path_;
  int64_t every_;
  int64_t steps_;
  PreviewMap map_;
};

}  // namespace t3
