// A file whose network decodes in place of the model's VAE: a TAEHV, or another VAE.
#pragma once

#include <c10/core/ScalarType.h>

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "arch/naming.h"
#include "config/model_config.h"
#include "models/decoder/video_decoder.h"
#include "runtime/stage.h"

namespace t3 {

struct DecoderFile {
  std::string path;
  NamedViews views;
  DecoderConfig config;

  bool is_taehv() const { return std::holds_alternative<TaehvConfig>(config); }
};

// Whether the file's tensors are a TAEHV's; false where it cannot be read, which opening it
// reports.
bool IsTaehvFile(const std::string& path);

// Opens and recognises the file `option` ("`decoder`"). `defaults`: of the model's folder, with its
// latents' statistics, or null. Throws Error where it is neither a VAE nor a TAEHV, is quantised,
// lacks a tensor that implies a size, or is a published TAEHV of another model.
DecoderFile OpenDecoderFile(const std::string& path, const std::string& option,
                            const nlohmann::json* defaults);

// Throws Error unless it takes latents of so many channels, of which each has so many pixels on an
// axis. `owner` has them: "the denoiser x.safetensors".
void CheckDecoderFits(const DecoderFile& decoder, int64_t latent_channels, int64_t spatial_stride,
                      const std::string& owner);

// Throws Error for tensors that are missing, surplus or misshapen; reads no weights.
void CheckDecoderFile(const DecoderFile& decoder);

// Reports the stage "loading decoder" in bytes. Throws Error like CheckDecoderFile and for values
// that are not finite.
std::unique_ptr<VideoDecoder> LoadDecoderFile(const DecoderFile& decoder, at::ScalarType dtype,
                                              const RunContext& context);

}  // namespace t3
