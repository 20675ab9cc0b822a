// Walks FFmpeg's registry of encoders.
#include "media/ffmpeg/encoder_list.h"

#include <algorithm>

namespace t3 {
namespace {

bool Fits(const AVCodec& encoder, const AVOutputFormat& container) {
  if (!av_codec_is_encoder(&encoder) || encoder.type != AVMEDIA_TYPE_VIDEO) return false;
  if ((encoder.capabilities & AV_CODEC_CAP_EXPERIMENTAL) != 0) return false;
  if (avformat_query_codec(&container, encoder.id, FF_COMPLIANCE_NORMAL) != 1) return false;
  const auto formats = PixelFormatsOf(encoder);
  return std::any_of(formats.begin(), formats.end(),
                     [&](AVPixelFormat format) { return CanWrite(encoder, format); });
}

bool NeedsHardware(const AVCodec& encoder) {
  const std::string_view name = encoder.name;
  return (encoder.capabilities & (AV_CODEC_CAP_HARDWARE | AV_CODEC_CAP_HYBRID)) != 0 ||
         name.ends_with("_v4l2m2m") || name.ends_with("_omx");
}

}  // namespace

std::span<const AVPixelFormat> PixelFormatsOf(const AVCodec& encoder) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100)
  const void* list = nullptr;
  int count = 0;
  if (avcodec_get_supported_config(nullptr, &encoder, AV_CODEC_CONFIG_PIX_FORMAT, 0, &list,
                                   &count) < 0 ||
      list == nullptr) {
    return {};
  }
  return {static_cast<const AVPixelFormat*>(list), static_cast<size_t>(count)};
#else
  if (encoder.pix_fmts == nullptr) return {};
  size_t count = 0;
  while (encoder.pix_fmts[count] != AV_PIX_FMT_NONE) ++count;
  return {encoder.pix_fmts, count};
#endif
}

bool CanWrite(const AVCodec& encoder, AVPixelFormat format) {
  if (encoder.id == AV_CODEC_ID_GIF) return format == AV_PIX_FMT_PAL8;
  const auto layout = LayoutOf(format);
  const char* name = av_get_pix_fmt_name(format);
  return layout && CanPack(*layout) && !std::string_view(name).starts_with("yuvj");
}

std::string UsableEncoders(const AVOutputFormat& container) {
  std::string software, hardware;
  void* state = nullptr;
  while (const AVCodec* encoder = av_codec_iterate(&state)) {
    if (!Fits(*encoder, container)) continue;
    std::string& names = NeedsHardware(*encoder) ? hardware : software;
    if (!names.empty()) names += ", ";
    names += encoder->name;
  }
  if (software.empty()) software = "none";
  return hardware.empty() ? software : software + "; where there is hardware for it: " + hardware;
}

}  // namespace t3
