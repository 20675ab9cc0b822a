// Walking FFmpeg's register of encoders.
#include "media/ffmpeg/encoder_list.h"

#include <algorithm>

namespace t3 {
namespace {

// Hardware encoders are compiled in whether or not the hardware is there.
bool Opens(const AVCodec& encoder, AVPixelFormat format) {
  const AvPtr<AVCodecContext> context(avcodec_alloc_context3(&encoder));
  if (!context) return false;
  context->width = 640;
  context->height = 360;
  context->pix_fmt = format;
  context->time_base = {1, 24};
  return avcodec_open2(context.get(), &encoder, nullptr) == 0;
}

bool IsUsable(const AVCodec& encoder, const AVOutputFormat& container) {
  if (!av_codec_is_encoder(&encoder) || encoder.type != AVMEDIA_TYPE_VIDEO) return false;
  if ((encoder.capabilities & AV_CODEC_CAP_EXPERIMENTAL) != 0) return false;
  if (avformat_query_codec(&container, encoder.id, FF_COMPLIANCE_NORMAL) != 1) return false;
  const auto formats = PixelFormatsOf(encoder);
  const auto writable = std::find_if(formats.begin(), formats.end(), CanWrite);
  if (writable == formats.end()) return false;
  const bool hardware =
      (encoder.capabilities & (AV_CODEC_CAP_HARDWARE | AV_CODEC_CAP_HYBRID)) != 0 ||
      std::string_view(encoder.name).ends_with("_v4l2m2m") ||
      std::string_view(encoder.name).ends_with("_omx");
  return !hardware || Opens(encoder, *writable);
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

bool CanWrite(AVPixelFormat format) {
  const auto layout = LayoutOf(format);
  const char* name = av_get_pix_fmt_name(format);
  return layout && CanPack(*layout) && !std::string_view(name).starts_with("yuvj");
}

std::string UsableEncoders(const AVOutputFormat& container) {
  std::string names;
  void* state = nullptr;
  while (const AVCodec* encoder = av_codec_iterate(&state)) {
    if (!IsUsable(*encoder, container)) continue;
    if (!names.empty()) names += ", ";
    names += encoder->name;
  }
  ClearAvLog();
  return names;
}

}  // namespace t3
