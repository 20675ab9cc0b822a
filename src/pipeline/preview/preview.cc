// Writes latents as PNG.
#include "pipeline/preview/preview.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/failure.h"
#include "base/log.h"
#include "media/png_file.h"

namespace t3 {
namespace {

constexpr int64_t kMinWidth = 256;

}  // namespace

Preview::Preview(std::string path, int64_t every, int64_t steps, std::optional<PreviewMap> map)
    : path_(std::move(path)), every_(every), steps_(steps), map_(std::move(map)) {}

void Preview::AfterStep(int64_t step, const std::function<at::Tensor()>& clean) const {
  if (!map_ || (step != 1 && step != steps_ && step % every_ != 0)) return;
  try {
    Write(step, clean());
  } catch (...) {
    const Error error = CurrentError();
    if (error.kind() == ErrorKind::kInterrupted) throw;
    spdlog::warn("the preview of step {} failed: {}", step, error.what());
  }
}

void Preview::Write(int64_t step, const at::Tensor& clean) const {
  const int64_t last = clean.size(1) - 1;
  std::vector<at::Tensor> frames;
  for (const int64_t t : std::set<int64_t>{0, last / 2, last}) {
    const ColourMap& map = t == 0 ? map_->first : map_->later;
    frames.push_back(map.Apply(clean.select(1, t)));
  }
  at::Tensor picture = at::cat(frames, 2);
  const int64_t factor = std::max<int64_t>(1, (kMinWidth + clean.size(3) - 1) / clean.size(3));
  picture = picture.repeat_interleave(factor, 1).repeat_interleave(factor, 2);
  const at::Tensor bytes =
      picture.add(1).mul(127.5).round().to(at::kByte).permute({1, 2, 0}).contiguous().cpu();
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
