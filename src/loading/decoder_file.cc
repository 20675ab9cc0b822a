// Recognising decoders by their tensors, and loading them.
#include "loading/decoder_file.h"

#include "arch/decoder.h"
#include "arch/taehv.h"
#include "arch/vae.h"
#include "base/check.h"
#include "base/log.h"
#include "loading/load_stage.h"
#include "models/taehv/taehv.h"
#include "models/vae/vae.h"
#include "nn/load.h"
#include "runtime/device.h"
#include "weights/quantisation.h"

namespace t3 {
namespace {

const Naming& NamingOfDecoder(const DecoderFile& decoder) {
  const auto* vae = std::get_if<VaeConfig>(&decoder.config);
  return vae == nullptr ? TaehvNaming() : VaeNaming(vae->version);
}

TensorTable TableOf(const DecoderFile& decoder) {
  const auto* vae = std::get_if<VaeConfig>(&decoder.config);
  return vae == nullptr ? TaehvTensors(std::get<TaehvConfig>(decoder.config)) : VaeTensors(*vae);
}

}  // namespace

bool IsTaehvFile(const std::string& path) {
  try {
    return LooksLikeTaehv(NameTensors(WeightFile::Open(path), TaehvNaming()));
  } catch (const Error&) {
    return false;
  }
}

DecoderFile OpenDecoderFile(const std::string& path, const std::string& option,
                            const nlohmann::json* defaults) {
  const auto file = WeightFile::Open(path);
  CheckNotQuantised(file->tensors(), file->metadata(), path);
  for (const std::string& note : file->notes()) spdlog::info("{}: {}", path, note);
  DecoderFile decoder{path, NameTensors(file, TaehvNaming()), {}};
  if (LooksLikeTaehv(decoder.views)) {
    const std::string model = ForeignTaehv(path);
    T3_CHECK(model.empty(),
             "{} {} decodes latents of {}, which t3 does not run; taew2_1 is for Wan2.1, taew2_2 "
             "for Wan2.2-TI2V-5B (a file that is one of these under this name needs another name)",
             option, path, model);
    decoder.config = ReadTaehvConfig(decoder.views);
    return decoder;
  }
  decoder.views = NameTensors(file, VaeNaming(ReadVaeVersion(file->tensors())));
  T3_CHECK(LooksLikeVae(decoder.views),
           "{} {} is neither a VAE nor a TAEHV; `t3 inspect` says what it is", option, path);
  decoder.config = ReadVaeConfig(decoder.views, defaults);
  return decoder;
}

void CheckDecoderFits(const DecoderFile& decoder, int64_t latent_channels, int64_t spatial_stride,
                      const std::string& owner) {
  const int64_t channels = LatentChannels(decoder.config);
  const std::string name = DecoderName(decoder.config);
  T3_CHECK(channels == latent_channels,
           "{} is a {} for latents with {} channels, but {} has {}; give a decoder of the same "
           "model (16 channels: Wan2.1, taew2_1; 48: Wan2.2-TI2V-5B, taew2_2)",
           decoder.path, name, channels, owner, latent_channels);
  T3_CHECK(SpatialStride(decoder.config) == spatial_stride,
           "{} is a {} that makes {}x{} pixels of a latent, but {} needs {}x{}; it belongs to "
           "another model",
           decoder.path, name, SpatialStride(decoder.config), SpatialStride(decoder.config), owner,
           spatial_stride, spatial_stride);
}

void CheckDecoderFile(const DecoderFile& decoder) {
  CheckComplete(decoder.views, TableOf(decoder), DecoderName(decoder.config));
}

std::unique_ptr<VideoDecoder> LoadDecoderFile(const DecoderFile& decoder, at::ScalarType dtype,
                                              const RunContext& context) {
  CheckDecoderFile(decoder);
  const TensorTable table = DecoderTensors(decoder.config);
  LoadOptions options;
  options.device = context.device;
  options.dtype = ArithmeticDtype(dtype, context.device.is_cuda());
  const TensorMap tensors = LoadStage("loading decoder", ViewsOf(decoder.views, table), table,
                                      NamingOfDecoder(decoder), options, context);
  if (const auto* vae = std::get_if<VaeConfig>(&decoder.config))
    return std::make_unique<Vae>(*vae, tensors);
  return std::make_unique<Taehv>(std::get<TaehvConfig>(decoder.config), tensors);
}

}  // namespace t3
