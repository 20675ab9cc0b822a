// Painting previews by a linear map or by a TAEHV.
#include "pipeline/preview/preview_painter.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "loading/precision.h"
#include "plan/taehv_plan.h"

namespace t3 {
namespace {

constexpr int64_t kMinPreviewWidth = 256;
constexpr int64_t kMaxPreviewWidth = 1280;

// paint(latent frame) of the first, the middle and the last one, side by side.
template <typename Paint>
at::Tensor SideBySide(const at::Tensor& latents, Paint paint) {
  const int64_t last = latents.size(1) - 1;
  std::vector<at::Tensor> frames;
  for (const int64_t t : std::set<int64_t>{0, last / 2, last}) frames.push_back(paint(t));
  return at::cat(frames, 2);
}

// (3,H,W) -> the same averaged over squares.
at::Tensor ScaledDown(const at::Tensor& frame) {
  const int64_t factor = (frame.size(2) + kMaxPreviewWidth - 1) / kMaxPreviewWidth;
  if (factor == 1) return frame;
  return at::adaptive_avg_pool2d(frame, {frame.size(1) / factor, frame.size(2) / factor});
}

PreviewPainter LoadPainter(const ModelInfo& model, const Job& job, at::ScalarType dtype,
                           const RunContext& context) {
  if (!job.preview_decoder) {
    const std::optional<PreviewMap> map = LoadPreviewMap(model, context);
    return map ? MapPainter(*map) : PreviewPainter();
  }
  const auto config = std::get<TaehvConfig>(job.preview_decoder->config);
  const at::ScalarType computed = ArithmeticDtype(dtype, context.device.is_cuda());
  const auto element_bytes = static_cast<int64_t>(c10::elementSize(computed));
  return DecoderPainter(LoadDecoderFile(*job.preview_decoder, dtype, context),
                        [config, element_bytes](const Grid& latent) {
                          return PreviewBytes(config, latent, element_bytes);
                        });
}

}  // namespace

PreviewPainter MapPainter(const PreviewMap& map) {
  return [map](const at::Tensor& latents) {
    const at::Tensor picture = SideBySide(latents, [&](int64_t t) {
      return (t == 0 ? map.first : map.later).Apply(latents.select(1, t));
    });
    const int64_t width = latents.size(3);
    const int64_t factor = std::max<int64_t>(1, (kMinPreviewWidth + width - 1) / width);
    return picture.repeat_interleave(factor, 1).repeat_interleave(factor, 2);
  };
}

PreviewPainter DecoderPainter(std::shared_ptr<const VideoDecoder> decoder,
                              std::function<int64_t(const Grid& latent)> budget) {
  return [decoder, budget](const at::Tensor& latents) {
    const c10::NoGradGuard no_grad;
    const int64_t stride = decoder->spatial_stride();
    const int64_t height = stride * latents.size(2), width = stride * latents.size(3);
    return SideBySide(latents, [&](int64_t t) {
      const int64_t first = std::max<int64_t>(t - kPreviewLatents + 1, 0);
      const Grid grid{t - first + 1, latents.size(2), latents.size(3)};
      const int64_t last = VaeConfig::kTimeStride * (grid.t - 1);
      const at::Tensor frame = at::empty({3, height, width}, latents.options().dtype(at::kFloat));
      decoder->PlanFor(grid, budget(grid))
          .run(latents.narrow(1, first, grid.t),
               [&](const DecodedRows& rows) {
                 const int64_t index = last - rows.frame;
                 if (index < 0 || index >= rows.pixels.size(1)) return;
                 frame.narrow(1, rows.row, rows.pixels.size(2)).copy_(rows.pixels.select(1, index));
               },
               {});
      return ScaledDown(frame);
    });
  };
}

std::optional<DecoderFile> FindPreviewDecoder(const ModelInfo& model,
                                              const PreviewOptions& options) {
  if (options.path.empty()) {
    if (!options.decoder.empty())
      FailUsage("`preview-decoder` {} has no preview to decode; name its file by `preview`",
                options.decoder);
    return std::nullopt;
  }
  if (options.decoder.empty())
    return model.decoder && model.decoder->is_taehv() ? model.decoder : std::nullopt;
  DecoderFile decoder = OpenDecoderFile(options.decoder, "`preview-decoder`", nullptr);
  T3_CHECK(decoder.is_taehv(),
           "`preview-decoder` {} is a VAE; wanted a TAEHV, which decodes in a fraction of the time "
           "(taew2_1, taew2_2)",
           options.decoder);
  CheckDecoderFits(decoder, model.dit.latent_channels, VaeOf(model).spatial_stride(),
                   "the denoiser " + model.paths.dit);
  CheckDecoderFile(decoder);
  return decoder;
}

PreviewPainter LoadPreviewPainter(const ModelInfo& model, const Job& job, at::ScalarType dtype,
                                  const RunContext& context) {
  try {
    return LoadPainter(model, job, dtype, context);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInterrupted) throw;
    spdlog::warn("there is no preview: {}", error.what());
  } catch (const c10::Error& error) {
    spdlog::warn("there is no preview: {}", error.what_without_backtrace());
  } catch (const std::exception& error) {
    spdlog::warn("there is no preview: {}", error.what());
  }
  return {};
}

}  // namespace t3
