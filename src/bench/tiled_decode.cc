// Decodes and blends tiles.
#include "bench/tiled_decode.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/seconds_since.h"

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

struct PublishedTile {
  TileSpan rows, columns;
  int64_t area() const { return rows.size * columns.size; }
};

std::vector<PublishedTile> TilesOf(int64_t rows, int64_t columns) {
  std::vector<PublishedTile> tiles;
  for (const TileSpan& y : TileSpans(rows)) {
    for (const TileSpan& x : TileSpans(columns)) tiles.push_back({y, x});
  }
  return tiles;
}

std::vector<PublishedTile> EvenlySpread(const std::vector<PublishedTile>& tiles, int64_t max) {
  const int64_t all = std::ssize(tiles);
  if (max == 0 || max >= all) return tiles;
  std::vector<PublishedTile> some;
  for (int64_t i = 0; i < max; ++i) {
    some.push_back(tiles[static_cast<size_t>((2 * i + 1) * all / (2 * max))]);
  }
  return some;
}

int64_t AreaOf(const std::vector<PublishedTile>& tiles) {
  int64_t area = 0;
  for (const PublishedTile& tile : tiles) area += tile.area();
  return area;
}

// Adds a tile's frames, weighted, to `sums` (3,F,H,W), and its weights to `weights` (H,W).
void BlendTile(const Vae& vae, const at::Tensor& latents, const PublishedTile& tile,
               const at::Tensor& sums, const at::Tensor& weights) {
  const int64_t stride = vae.config().spatial_stride();
  const TileSpan &y = tile.rows, &x = tile.columns;
  const at::Tensor weight = at::minimum(TileRamp(y, latents.size(2), stride).unsqueeze(1),
                                        TileRamp(x, latents.size(3), stride).unsqueeze(0));
  const auto part = [&](const at::Tensor& whole) {
    return whole.narrow(-2, stride * y.begin, weight.size(0))
        .narrow(-1, stride * x.begin, weight.size(1));
  };
  int64_t frame = 0;
  vae.DecodeReference(latents.narrow(2, y.begin, y.size).narrow(3, x.begin, x.size),
                      [&](const at::Tensor& frames) {
                        part(sums.narrow(1, frame, frames.size(1))).add_(frames.cpu() * weight);
                        frame += frames.size(1);
                      });
  part(weights).add_(weight);
}

}  // namespace

TiledDecode DecodeTiled(const Vae& vae, const at::Tensor& latents, int64_t max_tiles,
                        const std::function<void(int64_t done, int64_t total)>& poll) {
  const int64_t height = vae.config().spatial_stride() * latents.size(2);
  const int64_t width = vae.config().spatial_stride() * latents.size(3);
  const at::Tensor sums = at::zeros({3, 4 * latents.size(1) - 3, height, width}, at::kFloat);
  const at::Tensor weights = at::zeros({height, width}, at::kFloat);
  const std::vector<PublishedTile> all = TilesOf(latents.size(2), latents.size(3));
  const std::vector<PublishedTile> tiles = EvenlySpread(all, max_tiles);
  const auto begin = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < std::ssize(tiles); ++i) {
    poll(i, std::ssize(tiles));
    BlendTile(vae, latents, tiles[static_cast<size_t>(i)], sums, weights);
  }
  TiledDecode result;
  result.seconds = SecondsSince(begin);
  result.decoded = std::ssize(tiles);
  result.tiles = std::ssize(all);
  result.part = static_cast<double>(AreaOf(tiles)) / static_cast<double>(AreaOf(all));
  result.video = sums.div_(weights);
  return result;
}

}  // namespace t3
