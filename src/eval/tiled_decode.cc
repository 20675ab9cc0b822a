// Tiles, decoded alone and blended.
#include "eval/tiled_decode.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

namespace t3 {
namespace {

struct TileSpan {
  int64_t begin = 0;
  int64_t size = 0;
};

std::vector<TileSpan> TileSpans(int64_t length) {
  const int64_t size = (length + 3) / 4, step = std::max<int64_t>(size / 2, 1);
  std::vector<TileSpan> spans;
  for (int64_t begin = 0;; begin += step) {
    spans.push_back({begin, std::min(size, length - begin)});
    if (begin + size >= length) return spans;
  }
}

// Weights along one axis of a tile: ramps over the overlap at edges that are not the frame's.
at::Tensor TileRamp(const TileSpan& span, int64_t length, int64_t stride) {
  const int64_t pixels = span.size * stride, overlap = pixels / 2;
  const at::Tensor ramp = at::ones({pixels});
  const at::Tensor rise = (at::arange(overlap).to(at::kFloat) + 1) / static_cast<double>(overlap);
  if (span.begin > 0) ramp.narrow(0, 0, overlap).copy_(rise);
  if (span.begin + span.size < length) {
    ramp.narrow(0, pixels - overlap, overlap).copy_(rise.flip(0));
  }
  return ramp;
}

}  // namespace

at::Tensor DecodeTiled(const Vae& vae, const at::Tensor& latents,
                       const std::function<void(int64_t done, int64_t total)>& poll) {
  const int64_t stride = vae.config().spatial_stride();
  const int64_t rows = latents.size(2), columns = latents.size(3);
  const std::vector<TileSpan> down = TileSpans(rows), across = TileSpans(columns);
  const at::Tensor sums =
      at::zeros({3, 4 * latents.size(1) - 3, stride * rows, stride * columns}, at::kFloat);
  const at::Tensor weights = at::zeros({stride * rows, stride * columns}, at::kFloat);
  int64_t done = 0;
  for (const TileSpan& y : down) {
    for (const TileSpan& x : across) {
      poll(done++, std::ssize(down) * std::ssize(across));
      const at::Tensor weight = at::minimum(TileRamp(y, rows, stride).unsqueeze(1),
                                            TileRamp(x, columns, stride).unsqueeze(0));
      const auto part = [&](const at::Tensor& whole) {
        return whole.narrow(-2, stride * y.begin, weight.size(0))
            .narrow(-1, stride * x.begin, weight.size(1));
      };
      int64_t frame = 0;
      vae.DecodePlain(latents.narrow(2, y.begin, y.size).narrow(3, x.begin, x.size),
                      [&](const at::Tensor& frames) {
                        part(sums.narrow(1, frame, frames.size(1))).add_(frames.cpu() * weight);
                        frame += frames.size(1);
                      });
      part(weights).add_(weight);
    }
  }
  return sums.div_(weights);
}

}  // namespace t3
