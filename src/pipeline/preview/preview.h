// A small picture of the video that is being generated.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "pipeline/preview/preview_map.h"

namespace t3 {

class Preview {
 public:
  // Without a map, nothing is written.
  Preview(std::string path, int64_t every, int64_t steps, std::optional<PreviewMap> map);

  // After the first step, every `every` steps and the last one, writes the first, the middle and
  // the last latent frame of clean() (z,T,h,w) side by side, one pixel a latent or more where a
  // frame would be under 256 pixels wide. Failures (a full disk, out of memory) are warnings.
  void AfterStep(int64_t step, const std::function<at::Tensor()>& clean) const;

 private:
  void Write(int64_t step, const at::Tensor& clean) const;

  std::string path_;
  int64_t every_;
  int64_t steps_;
  std::optional<PreviewMap> map_;
};

}  // namespace t3
