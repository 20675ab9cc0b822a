// Detail and flicker.
#include "measure/clip_measures.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"

namespace t3 {
namespace {

constexpr int64_t kFlickerRows = 18;

void CheckClip(const at::Tensor& video, const char* what) {
  T3_CHECK(video.dim() == 4 && video.size(0) == 3 && video.numel() > 0,
           "{}: a clip is (3, frames, height, width), not ({})", what,
           fmt::join(video.sizes(), ", "));
}

// (rows, columns) of one frame, 0 to 1.
at::Tensor LumaOf(const at::Tensor& video, int64_t frame) {
  const at::Tensor rgb = video.select(1, frame).to(at::kFloat);
  return (rgb[0] * 0.2126 + rgb[1] * 0.7152 + rgb[2] * 0.0722 + 1) * 0.5;
}

// (1,2,1)/4 along a dimension; one shorter at both ends.
at::Tensor Binomial(const at::Tensor& x, int64_t dim) {
  const int64_t n = x.size(dim) - 2;
  return (x.narrow(dim, 0, n) + x.narrow(dim, 1, n) * 2 + x.narrow(dim, 2, n)) * 0.25;
}

}  // namespace

double DetailEnergy(const at::Tensor& video) {
  CheckClip(video, "detail");
  const int64_t rows = video.size(2), columns = video.size(3);
  T3_CHECK(rows >= 3 && columns >= 3,
           "detail: a picture of {}x{} is too small, wanted at least 3x3", columns, rows);
  const at::NoGradGuard no_grad;
  // Frame by frame: there is no memory for copies of a 4K clip.
  at::Tensor sum = at::zeros({}, video.options().dtype(at::kDouble));
  for (int64_t frame = 0; frame < video.size(1); ++frame) {
    const at::Tensor luma = LumaOf(video, frame);
    const at::Tensor middle = luma.narrow(0, 1, rows - 2).narrow(1, 1, columns - 2);
    sum += (middle - Binomial(Binomial(luma, 0), 1)).square().mean(at::kDouble);
  }
  return sum.item<double>() / static_cast<double>(video.size(1));
}

double EnlargedDetailEnergy(const at::Tensor& video, int64_t width, int64_t height) {
  CheckClip(video, "detail of an enlargement");
  T3_CHECK(width >= video.size(3) && height >= video.size(2),
           "detail of an enlargement: {}x{} is smaller than the clip's {}x{}", width, height,
           video.size(3), video.size(2));
  const at::NoGradGuard no_grad;
  double sum = 0;
  for (int64_t frame = 0; frame < video.size(1); ++frame) {
    const at::Tensor small = video.select(1, frame).to(at::kFloat).unsqueeze(0);
    const at::Tensor large =
        at::upsample_bicubic2d(small, {height, width}, /*align_corners=*/false).clamp(-1, 1);
    sum += DetailEnergy(large[0].unsqueeze(1));
  }
  return sum / static_cast<double>(video.size(1));
}

double Flicker(const at::Tensor& video) {
  CheckClip(video, "flicker");
  const int64_t frames = video.size(1);
  T3_CHECK(frames >= 3, "flicker: {} frames, wanted at least 3", frames);
  const at::NoGradGuard no_grad;
  const int64_t rows = std::min(kFlickerRows, video.size(2));
  const int64_t columns =
      std::clamp<int64_t>(video.size(3) * rows / video.size(2), 1, video.size(3));
  std::vector<at::Tensor> fields;
  for (int64_t frame = 0; frame < frames; ++frame) {
    fields.push_back(at::adaptive_avg_pool2d(LumaOf(video, frame).unsqueeze(0), {rows, columns}));
  }
  const at::Tensor x = at::cat(fields);
  const at::Tensor second =
      x.narrow(0, 0, frames - 2) - x.narrow(0, 1, frames - 2) * 2 + x.narrow(0, 2, frames - 2);
  return std::sqrt(second.square().mean(at::kDouble).item<double>());
}

}  // namespace t3
