// Work of a decode with TAEHV, as the published network does it.
#include "arch/taehv.h"
#include "plan/cost.h"

namespace t3 {

double CostOfDecode(const TaehvConfig& config, const Grid& latent) {
  constexpr int64_t kTaps = 9, kWideTaps = 49;
  const bool plain = config.blocks == TaehvBlocks::kPlain;
  Grid size = latent;
  double total = 0;
  const auto conv = [&](int64_t in, int64_t out, int64_t taps) {
    total += static_cast<double>(in * out * taps) * static_cast<double>(size.tokens());
  };
  const auto block = [&](int64_t channels) {
    if (plain) return conv(4 * channels, channels, kTaps);  // twice the input, then two more
    conv(1, 2 * channels, kWideTaps);
    conv(2 * channels + channels, 4 * channels, 1);
  };
  conv(config.latent_channels, config.widths[0], plain ? kTaps : 1);
  for (const TaehvStage& stage : TaehvDecoderOf(config).stages) {
    for (int64_t i = 0; i < kTaehvBlocks; ++i) block(stage.channels);
    if (!plain) conv(stage.channels, 4 * stage.out, kTaps);
    size.h *= 2;
    size.w *= 2;
    conv(stage.grown, stage.time_factor * stage.grown, 1);
    size.t *= stage.time_factor;
    if (plain) conv(stage.channels, stage.out, kTaps);
  }
  conv(config.last_width, 3 * config.patch * config.patch, kTaps);
  return total;
}

double CostOfDecode(const DecoderConfig& config, const Grid& latent) {
  return std::visit([&](const auto& sizes) { return CostOfDecode(sizes, latent); }, config);
}

}  // namespace t3
