// Shapes of TAEHV's layers.
#include "plan/taehv_shapes.h"

#include <algorithm>

namespace t3 {

MapShape TaehvUpShapes::Wide() const {
  const int64_t edge = blocks == TaehvBlocks::kPlain ? 1 : 0;
  return {1, source.size() + edge, columns + edge, 4 * out};
}

int64_t TaehvUpShapes::WorkingElements() const {
  // kSuper grows the pixels in time and puts them in their order in two copies.
  return (blocks == TaehvBlocks::kPlain ? 1 : 3) * Elements(Wide());
}

int64_t TaehvStageShapes::BlockElements() const {
  // The last convolution's result; while two of them are alive, the next block's input is not.
  if (blocks == TaehvBlocks::kPlain) return Elements(Output());
  // A frame at a time: it and the one before it, filtered, then four times as wide, then as before.
  return (2 + 2 + 4 + 1) * Elements(Cache());
}

TaehvUpShapes TaehvStageShapes::Up(const RowRange& output) const {
  const RowRange source{std::max<int64_t>(output.begin / 2 - 1, 0),
                        std::min((output.end + 1) / 2 + 1, rows)};
  return {
      .blocks = blocks, .source = source, .output = output, .columns = columns, .out = arch.out};
}

std::array<TaehvStageShapes, kTaehvStages> TaehvStagesOf(const TaehvConfig& config,
                                                         const Grid& latent,
                                                         int64_t latent_frames) {
  const TaehvDecoder decoder = TaehvDecoderOf(config);
  std::array<TaehvStageShapes, kTaehvStages> stages;
  int64_t frames = latent_frames, rows = latent.h, columns = latent.w;
  for (size_t i = 0; i < stages.size(); ++i) {
    stages[i] = {decoder.stages[i], config.blocks, frames, rows, columns};
    frames *= decoder.stages[i].time_factor;
    rows *= 2;
    columns *= 2;
  }
  return stages;
}

TaehvTailShapes TaehvTailOf(const TaehvConfig& config, const TaehvStageShapes& last,
                            const RowRange& output) {
  return {.up = last.Up(output.Grown(1, 2 * last.rows)),
          .output = output,
          .pixels = 3 * config.patch * config.patch};
}

}  // namespace t3
