// Features of bands of the picture and of the object's silhouette.
#include "measure/world_features.h"

#include <ATen/ATen.h>

#include <vector>

namespace t3 {
namespace {

constexpr int64_t kBands = 8;

// Weighted mean over frames, rows and columns of a band; `value` (..., rows, columns).
at::Tensor Mean(const at::Tensor& value, const at::Tensor& weight) {
  return (value * weight).sum() / weight.sum().clamp_min(1);
}

at::Tensor BandFeatures(const at::Tensor& rgb, const at::Tensor& luma, const at::Tensor& free) {
  std::vector<at::Tensor> f;
  const at::Tensor sum = Mean(rgb.sum(0), free).clamp_min(1e-3);
  for (int64_t c = 0; c < 3; ++c) {
    const at::Tensor mean = Mean(rgb[c], free);
    f.push_back(mean);
    if (c != 1) f.push_back(mean / sum);
  }
  const auto edge = [&](int64_t dim, int64_t step) {
    const int64_t n = luma.size(dim) - step;
    return ((luma.narrow(dim, step, n) - luma.narrow(dim, 0, n)).abs() + 1e-3).log() *
           free.narrow(dim, step, n) * free.narrow(dim, 0, n);
  };
  f.push_back(edge(2, 1).mean()), f.push_back(edge(1, 1).mean());
  f.push_back(edge(2, 4).mean()), f.push_back(edge(1, 4).mean());
  // Which side is brighter, against how much brightness differs in the band.
  const int64_t half = luma.size(2) / 2;
  const at::Tensor mean = Mean(luma, free);
  const at::Tensor spread = Mean((luma - mean).pow(2), free).sqrt();
  f.push_back(spread);
  f.push_back((Mean(luma.narrow(2, half, half), free.narrow(2, half, half)) -
               Mean(luma.narrow(2, 0, half), free.narrow(2, 0, half))) /
              (spread + 0.01));
  // Unevenness along rows, also within the sun's glow: the second difference.
  constexpr int64_t kStep = 6;
  const int64_t n = luma.size(2) - 2 * kStep;
  const at::Tensor uneven =
      (luma.narrow(2, 0, n) - luma.narrow(2, kStep, n) * 2 + luma.narrow(2, 2 * kStep, n)).abs();
  const at::Tensor seen =
      free.narrow(2, 0, n) * free.narrow(2, kStep, n) * free.narrow(2, 2 * kStep, n);
  f.push_back((Mean(uneven, seen) / (mean + 0.02) + 1e-3).log());
  f.push_back((Mean(uneven.square(), seen).sqrt() / (mean + 0.02) + 1e-3).log());
  // Position of the brightest part.
  const at::Tensor bright = (luma - luma.amax() * 0.8).clamp_min(0).pow(2) * free;
  const at::Tensor x = at::linspace(-1, 1, luma.size(2), luma.options());
  f.push_back((bright * x).sum() / bright.sum().clamp_min(1e-4));
  return at::stack(f);
}

// Position of the brightest part of the sky, -1 left to 1 right: its centre and its peak, in a
// slightly and in a strongly blurred picture.
at::Tensor SunFeatures(const at::Tensor& luma, const at::Tensor& free) {
  constexpr int64_t kTop = 8, kRows = 48;
  std::vector<at::Tensor> f;
  const at::Tensor open = free.narrow(1, kTop, kRows).unsqueeze(1);
  const at::Tensor sky = luma.narrow(1, kTop, kRows).unsqueeze(1);
  for (const int64_t size : {7, 25}) {
    const auto blur = [size](const at::Tensor& t) { return at::avg_pool2d(t, size, 1, size / 2); };
    const at::Tensor smooth =
        (blur(sky * open) / blur(open).clamp_min(0.05) * open).mean(at::IntArrayRef{0, 1});
    const at::Tensor columns = smooth.amax(0);
    const at::Tensor x = at::linspace(-1, 1, columns.size(0), columns.options());
    const at::Tensor weight = (columns / columns.amax().clamp_min(1e-4)).pow(12);
    f.push_back((weight * x).sum() / weight.sum());
    f.push_back(x[columns.argmax()].sign());
  }
  return at::stack(f);
}

// Unevenness of the upper and lower sky: quartiles over its pixels, which stars, the sun and a few
// peaks do not move, of a band-pass of brightness and of blue minus red.
at::Tensor SkyFeatures(const at::Tensor& rgb, const at::Tensor& free) {
  constexpr int64_t kFine = 5, kCoarse = 21, kTop = 2, kRows = 28;
  const auto blur = [](const at::Tensor& t, int64_t size) {
    return at::avg_pool2d(t, size, 1, size / 2, false, /*count_include_pad=*/false);
  };
  const at::Tensor luma = rgb.mean(0).unsqueeze(1);  // (frames,1,rows,columns)
  const at::Tensor blue = (rgb[2] - rgb[0]).unsqueeze(1);
  const at::Tensor scale = blur(luma, kCoarse) + 0.02;
  // No paint within the wider blur.
  const at::Tensor open = blur(free.unsqueeze(1), kCoarse) > 0.999;
  const at::Tensor quartiles = at::tensor({0.25, 0.5, 0.75}, luma.options());
  std::vector<at::Tensor> f;
  for (const at::Tensor& field : {luma, blue}) {
    const at::Tensor uneven = (blur(field, kFine) - blur(field, kCoarse)).abs() / scale;
    for (const int64_t first : {kTop, kTop + kRows}) {
      const at::Tensor values =
          uneven.narrow(2, first, kRows).masked_select(open.narrow(2, first, kRows));
      f.push_back(values.numel() == 0 ? at::zeros({3}, luma.options())
                                      : (at::quantile(values, quartiles) + 1e-3).log());
    }
  }
  return at::cat(f);
}

}  // namespace

at::Tensor SceneFeatures(const at::Tensor& picture, const at::Tensor& free) {
  const int64_t last = picture.size(1) - 1;
  const at::Tensor frames =
      at::tensor({int64_t{0}, last / 2, last}, picture.options().dtype(at::kLong));
  const at::Tensor rgb = picture.index_select(1, frames), open = free.index_select(0, frames);
  const at::Tensor luma = rgb.mean(0);
  const int64_t rows = picture.size(2) / kBands;
  std::vector<at::Tensor> bands;
  for (int64_t band = 0; band < kBands; ++band) {
    bands.push_back(BandFeatures(rgb.narrow(2, band * rows, rows),
                                 luma.narrow(1, band * rows, rows),
                                 open.narrow(1, band * rows, rows)));
  }
  bands.push_back(SunFeatures(luma, open));
  bands.push_back(SkyFeatures(rgb, open));
  bands.push_back(at::ones({1}, picture.options()));
  return at::cat(bands).cpu();
}

at::Tensor ObjectFeatures(const at::Tensor& frame_map, const PaintedRegion& thing) {
  const int64_t width = thing.right - thing.left + 1, height = thing.bottom - thing.top + 1;
  const at::Tensor mask =
      (frame_map.narrow(0, thing.top, height).narrow(1, thing.left, width) == thing.color)
          .to(at::kFloat);
  const at::Tensor fields =
      at::adaptive_avg_pool2d(mask.view({1, 1, height, width}), {8, 8}).view({64});
  const double w = static_cast<double>(width), h = static_cast<double>(height);
  const at::Tensor rest = at::tensor(
      {w / h, h / w, static_cast<double>(thing.area) / (w * h), thing.y / kReadHeight, 1.0},
      fields.options());
  return at::cat({fields, rest});
}

}  // namespace t3
