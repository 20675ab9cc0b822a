// Facts that both kinds of decoder have.
#include "arch/decoder.h"

#include <fmt/format.h>

#include "arch/taehv.h"
#include "arch/vae.h"
#include "config/presets.h"

namespace t3 {

std::string DecoderName(const DecoderConfig& config) {
  if (const auto* taehv = std::get_if<TaehvConfig>(&config))
    return taehv->blocks == TaehvBlocks::kPlain ? "TAEHV" : "TAEHV super";
  const auto& vae = std::get<VaeConfig>(config);
  const bool v21 = vae.version == VaeVersion::k21;
  const VaeConfig& release = ReleaseOf(v21 ? ModelFamily::kWan21 : ModelFamily::kWan22, false).vae;
  std::string name = v21 ? "VAE 2.1" : "VAE 2.2";
  if (vae.decoder_dim != release.decoder_dim) name += fmt::format(" of width {}", vae.decoder_dim);
  return name;
}

TensorTable DecoderTensors(const DecoderConfig& config) {
  const auto* vae = std::get_if<VaeConfig>(&config);
  return vae != nullptr ? VaeTensors(*vae, VaeHalf::kDecoder)
                        : TaehvDecoderTensors(std::get<TaehvConfig>(config));
}

int64_t LatentChannels(const DecoderConfig& config) {
  return std::visit([](const auto& sizes) { return sizes.latent_channels; }, config);
}

int64_t SpatialStride(const DecoderConfig& config) {
  return std::visit([](const auto& sizes) { return sizes.spatial_stride(); }, config);
}

}  // namespace t3
