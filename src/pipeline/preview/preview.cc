// Writes latents as PNG.
#include "pipeline/preview/preview.h"

#include <ATen/ATen.h>

#include <utility>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/failure.h"
#include "base/log.h"
#include "media/png_file.h"

namespace t3 {

Preview::Preview(std::string path, int64_t every, int64_t steps, PreviewPainter painter)
    : path_(std::move(path)), every_(every), steps_(steps), painter_(std::move(painter)) {}

void Preview::AfterStep(int64_t step, const std::function<at::Tensor()>& clean) const {
  if (!painter_ || (step != 1 && step != steps_ && step % every_ != 0)) return;
  try {
    Write(step, clean());
  } catch (...) {
    const Error error = CurrentError();
    if (error.kind() == ErrorKind::kInterrupted) throw;
    spdlog::warn("the preview of step {} failed: {}", step, error.what());
  }
}

void Preview::Write(int64_t step, const at::Tensor& clean) const {
  const at::Tensor bytes = painter_(clean)
                               .clamp(-1, 1)
                               .add(1)
                               .mul(127.5)
                               .round()
                               .to(at::kByte)
                               .permute({1, 2, 0})
                               .contiguous()
                               .cpu();
  PngPicture png;
  png.height = bytes.size(0);
  png.width = bytes.size(1);
  const uint8_t* const data = bytes.const_data_ptr<uint8_t>();
  png.data.assign(data, data + bytes.numel());
  png.text["step"] = fmt::format("{} of {}", step, steps_);
  AtomicFile target(path_);
  WritePng(target.temporary(), png);
  target.Commit();
}

}  // namespace t3
