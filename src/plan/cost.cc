// Counting multiply-accumulates.
#include "plan/cost.h"

#include "plan/partition.h"
#include "plan/vae_layers.h"

namespace t3 {
namespace {

double Square(int64_t value) { return static_cast<double>(value) * static_cast<double>(value); }

// Sum of the squared lengths of one axis's pieces.
double AxisSquares(int64_t size, int64_t count) {
  const int64_t large = size % count;
  const int64_t length = size / count;
  return static_cast<double>(large) * Square(length + 1) +
         static_cast<double>(count - large) * Square(length);
}

double ShiftedAxisSquares(int64_t size, int64_t count) {
  if (count == 1) return Square(size);
  double squares = 0;
  int64_t begin = 0;
  for (int64_t i = 1; i <= count; ++i) {
    const int64_t end = (2 * i - 1) * size / (2 * count);
    squares += Square(end - begin);
    begin = end;
  }
  return squares + Square(size - begin);
}

// Query-key pairs of one layer; `combine` computes coinciding partitions once.
double LayerPairs(AttentionPattern pattern, const WindowCycle& cycle, const Grid& grid,
                  int64_t layer, bool combine) {
  if (pattern == AttentionPattern::kFull) return Square(grid.tokens());
  const WindowCounts& counts =
      cycle[static_cast<size_t>(layer % static_cast<int64_t>(cycle.size()))];
  if (pattern == AttentionPattern::kSwin && layer % 2 == 1) return ShiftedWindowPairs(grid, counts);
  const bool twice = pattern == AttentionPattern::kT3 && !(combine && Coincide(grid, counts));
  return (twice ? 2 : 1) * WindowPairs(grid, counts);
}

}  // namespace

double WindowPairs(const Grid& grid, const WindowCounts& counts) {
  return AxisSquares(grid.t, counts.t) * AxisSquares(grid.h, counts.h) *
         AxisSquares(grid.w, counts.w);
}

double ShiftedWindowPairs(const Grid& grid, const WindowCounts& counts) {
  return ShiftedAxisSquares(grid.t, counts.t) * ShiftedAxisSquares(grid.h, counts.h) *
         ShiftedAxisSquares(grid.w, counts.w);
}

DitCost CostOfForward(const DitConfig& config, AttentionPattern pattern, const WindowCycle& cycle,
                      const Grid& grid) {
  const double dim = static_cast<double>(config.dim);
  const double layers = static_cast<double>(config.num_layers);
  const double tokens = static_cast<double>(grid.tokens());
  const double pair = 2 * dim;  // scores and the weighted sum of values

  DitCost cost;
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    cost.attention += pair * LayerPairs(pattern, cycle, grid, layer, true);
    cost.attention_uncombined += pair * LayerPairs(pattern, cycle, grid, layer, false);
  }
  cost.full_attention = layers * pair * Square(grid.tokens());
  // Self-attention's q, k, v, o, cross-attention's q and o, and the FFN.
  const double block = 6 * dim * dim + 2 * dim * static_cast<double>(config.ffn_dim);
  const double ends = 2 * 4 * static_cast<double>(config.latent_channels) * dim;
  cost.linears = tokens * (layers * block + ends);
  cost.cross_attention = layers * pair * tokens * static_cast<double>(config.text_len);
  return cost;
}

double CostOfDecode(const VaeConfig& config, const Grid& latent) {
  const VaeLayers layers = DecoderLayers(config, latent);
  double macs = layers.attention_macs();
  for (const VaeConv& conv : layers.convs) macs += conv.macs();
  return macs;
}

}  // namespace t3
