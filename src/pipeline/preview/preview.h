// A small picture of the video that is being generated.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>

#include "pipeline/preview/preview_painter.h"

namespace t3 {

class Preview {
 public:
  // Without a painter, nothing is written.
  Preview(std::string path, int64_t every, int64_t steps, PreviewPainter painter);

  // After the first step, every `every` steps and the last one, writes what the painter makes of
  // clean() (z,T,h,w). Failures (a full disk, out of memory) are warnings.
  void AfterStep(int64_t step, const std::function<at::Tensor()>& clean) const;

 private:
  void Write(int64_t step, const at::Tensor& clean) const;

  std::string path_;
  int64_t every_;
  int64_t steps_;
  PreviewPainter painter_;
};

}  // namespace t3
