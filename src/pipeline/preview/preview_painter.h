// What a preview shows of latents.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "loading/decoder_file.h"
#include "loading/model_info.h"
#include "models/decoder/video_decoder.h"
#include "pipeline/job.h"
#include "pipeline/preview/preview_map.h"
#include "runtime/stage.h"

namespace t3 {

// latents (z,T,h,w) in model space -> the first, the middle and the last latent frame side by side,
// (3,H,W) fp32 in [-1,1].
using PreviewPainter = std::function<at::Tensor(const at::Tensor& latents)>;

// One pixel a latent, or more where a frame would be under 256 pixels wide.
PreviewPainter MapPainter(const PreviewMap& map);

// Frames that `decoder` makes of the latents up to each, scaled down to at most 1280 pixels wide,
// within `budget` bytes. A clip's later frames are decoded from a few latent frames before them.
PreviewPainter DecoderPainter(std::shared_ptr<const VideoDecoder> decoder,
                              std::function<int64_t(const Grid& latent)> budget);

// The TAEHV that decodes a request's previews: its own, else the model's decoder if that is one;
// absent: there are no previews, or they are painted by the map. Throws Error where the file is
// not a TAEHV or does not fit the model, of kind kUsage where it is given without a preview.
std::optional<DecoderFile> FindPreviewDecoder(const ModelInfo& model,
                                              const PreviewOptions& options);

// The job's painter; empty where it cannot be had, which is a warning, as in LoadPreviewMap.
PreviewPainter LoadPreviewPainter(const ModelInfo& model, const Job& job, at::ScalarType dtype,
                                  const RunContext& context);

}  // namespace t3
