// From VideoSettings to an opened encoder.
#include "media/ffmpeg/encoder.h"

#include <algorithm>
#include <limits>
#include <new>
#include <string_view>
#include <vector>

extern "C" {
#include <libavutil/opt.h>
}

#include "base/check.h"
#include "media/ffmpeg/encoder_defaults.h"
#include "media/ffmpeg/encoder_list.h"
#include "media/video_settings.h"

namespace t3 {
namespace {

struct Options {
  AVDictionary* entries = nullptr;
  ~Options() { av_dict_free(&entries); }
  void Set(std::string_view key, std::string_view value) {
    av_dict_set(&entries, std::string(key).c_str(), std::string(value).c_str(), 0);
  }
};

std::string FormatNames(const AVCodec& encoder) {
  std::string names;
  for (AVPixelFormat format : PixelFormatsOf(encoder)) {
    if (!CanWrite(encoder, format)) continue;
    if (!names.empty()) names += ", ";
    names += av_get_pix_fmt_name(format);
  }
  return names.empty() ? "none" : names;
}

AVPixelFormat ChoosePixelFormat(const std::string& path, const AVCodec& encoder,
                                const std::string& wanted) {
  const auto formats = PixelFormatsOf(encoder);
  const auto can_write = [&](AVPixelFormat format) { return CanWrite(encoder, format); };
  const AVPixelFormat preferred =
      wanted.empty() ? AV_PIX_FMT_YUV420P : av_get_pix_fmt(wanted.c_str());
  if (std::find(formats.begin(), formats.end(), preferred) != formats.end() &&
      can_write(preferred)) {
    return preferred;
  }
  if (wanted.empty()) {
    const auto first = std::find_if(formats.begin(), formats.end(), can_write);
    if (first != formats.end()) return *first;
  }
  FailUsage("{}: the encoder {} cannot be given pixel format '{}'; it can be given: {}", path,
            encoder.name, wanted, FormatNames(encoder));
}

// The encoder's options from its defaults and the user's quality.
void SetQuality(const std::string& path, const VideoSettings& settings, AVCodecContext& context,
                Options& options) {
  const AVCodec& encoder = *context.codec;
  const EncoderDefaults defaults =
      DefaultsOf(encoder.name, av_get_pix_fmt_name(context.pix_fmt), settings.width);
  for (const auto& [key, value] : defaults.options) options.Set(key, value);

  std::string_view quality = defaults.quality;
  int max = defaults.max;
  if (quality.empty() && settings.crf) {
    const AVOption* option = context.priv_data == nullptr
                                 ? nullptr
                                 : av_opt_find(context.priv_data, "crf", nullptr, 0, 0);
    if (option == nullptr) {
      FailUsage("{}: the encoder {} has no constant quality (crf); leave it out", path,
                encoder.name);
    }
    quality = "crf";
    max = static_cast<int>(std::min<double>(option->max, std::numeric_limits<int>::max()));
  }
  // For some encoders -1 means FFmpeg's own quality.
  if (settings.crf && (*settings.crf < 0 || *settings.crf > max)) {
    FailUsage("{}: `crf` {} is outside 0 to {}, the scale of the encoder {}", path, *settings.crf,
              max, encoder.name);
  }
  if (!quality.empty()) {
    options.Set(quality,
                settings.crf ? std::to_string(*settings.crf) : std::string(defaults.value));
    context.bit_rate = 0;  // otherwise some encoders take FFmpeg's 200 kbit/s as a limit
    return;
  }
  const AVCodecDescriptor* codec = avcodec_descriptor_get(encoder.id);
  constexpr int kNeedsNoRate = AV_CODEC_PROP_LOSSLESS | AV_CODEC_PROP_INTRA_ONLY;
  if (codec != nullptr && (codec->props & kNeedsNoRate) == 0) {
    constexpr double kBitsPerPixel = 0.25;
    context.bit_rate = static_cast<int64_t>(
        kBitsPerPixel * static_cast<double>(settings.width * settings.height) * settings.fps);
  }
}

void SetPicture(const VideoSettings& settings, AVCodecContext& context) {
  const FrameRate rate = ExactFrameRate(settings.fps);
  context.width = static_cast<int>(settings.width);
  context.height = static_cast<int>(settings.height);
  context.framerate = {static_cast<int>(rate.numerator), static_cast<int>(rate.denominator)};
  context.time_base = av_inv_q(context.framerate);
  context.sample_aspect_ratio = {1, 1};
  context.color_primaries = AVCOL_PRI_BT709;
  context.color_trc = AVCOL_TRC_BT709;
  const auto layout = LayoutOf(context.pix_fmt);
  if (!layout || layout->rgb) {
    context.colorspace = AVCOL_SPC_RGB;
    context.color_range = AVCOL_RANGE_JPEG;
  } else {
    const bool bt709 = ColorWritten(context.codec_id).kr == YuvColor{}.kr;
    context.colorspace = bt709 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
    context.color_range = AVCOL_RANGE_MPEG;
    context.chroma_sample_location = AVCHROMA_LOC_LEFT;
  }
}

AvPtr<AVCodecContext> OpenOne(const std::string& path, const AVOutputFormat& container,
                              const AVCodec& encoder, const VideoSettings& settings) {
  AvPtr<AVCodecContext> context(avcodec_alloc_context3(&encoder));
  if (!context) throw std::bad_alloc();
  context->pix_fmt = ChoosePixelFormat(path, encoder, settings.pixel_format);
  SetPicture(settings, *context);
  context->thread_count = settings.threads;
  if ((container.flags & AVFMT_GLOBALHEADER) != 0) context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  const bool quicktime_family =
      std::string_view(container.name) == "mp4" || std::string_view(container.name) == "mov";
  if (encoder.id == AV_CODEC_ID_HEVC && quicktime_family) {
    context->codec_tag = MKTAG('h', 'v', 'c', '1');  // Apple's players want it
  }
  Options options;
  SetQuality(path, settings, *context, options);
  ClearAvLog();
  const int code = avcodec_open2(context.get(), &encoder, &options.entries);
  if (code < 0) {
    const bool odd = (settings.width | settings.height) % 2 != 0;
    FailUsage(
        "{}: the encoder {} refuses {}x{} pixels, {} fps, {}{}: {}{}", path, encoder.name,
        settings.width, settings.height, settings.fps, av_get_pix_fmt_name(context->pix_fmt),
        settings.crf ? fmt::format(", quality {}", *settings.crf) : "", AvReason(code),
        odd ? "; odd sizes need a 4:4:4 pixel format such as yuv444p, .y4m or PNG frames" : "");
  }
  if (const auto* left = av_dict_get(options.entries, "", nullptr, AV_DICT_IGNORE_SUFFIX)) {
    FailUsage("{}: the encoder {} has no option '{}'", path, encoder.name, left->key);
  }
  return context;
}

AvPtr<AVCodecContext> OpenNamed(const std::string& path, const AVOutputFormat& container,
                                const VideoSettings& settings) {
  const AVCodec* encoder = avcodec_find_encoder_by_name(settings.codec.c_str());
  if (encoder == nullptr || encoder->type != AVMEDIA_TYPE_VIDEO) {
    FailUsage("{}: FFmpeg has no video encoder '{}' here; for {} it has: {}", path, settings.codec,
              container.name, UsableEncoders(container));
  }
  if (avformat_query_codec(&container, encoder->id, FF_COMPLIANCE_NORMAL) != 1) {
    FailUsage("{}: {} files do not hold what the encoder {} makes; it can be one of: {}", path,
              container.name, settings.codec, UsableEncoders(container));
  }
  return OpenOne(path, container, *encoder, settings);
}

// What a container holds by default. Named encoders come before FFmpeg's other ones for the codec.
struct DefaultCodec {
  std::string_view container;
  AVCodecID codec;
  const char* name;
  std::vector<const char*> encoders;
};

DefaultCodec DefaultCodecOf(std::string_view container) {
  // Not libwebp_anim, whose frames are patches of a picture: FFmpeg does not read them back.
  for (const DefaultCodec& known :
       {DefaultCodec{"webm", AV_CODEC_ID_VP9, "VP9", {"libvpx-vp9", "libsvtav1"}},
        {"gif", AV_CODEC_ID_GIF, "GIF", {"gif"}},
        {"webp", AV_CODEC_ID_WEBP, "WebP", {"libwebp"}}}) {
    if (known.container == container) return known;
  }
  return {container, AV_CODEC_ID_H264, "H.264", {"libx264", "libopenh264"}};
}

AvPtr<AVCodecContext> OpenDefault(const std::string& path, const AVOutputFormat& container,
                                  const VideoSettings& settings) {
  const DefaultCodec wanted = DefaultCodecOf(container.name);
  for (const char* name : wanted.encoders) {
    const AVCodec* encoder = avcodec_find_encoder_by_name(name);
    if (encoder != nullptr) return OpenOne(path, container, *encoder, settings);
  }
  void* state = nullptr;
  while (const AVCodec* encoder = av_codec_iterate(&state)) {
    if (!av_codec_is_encoder(encoder) || encoder->id != wanted.codec) continue;
    try {
      return OpenOne(path, container, *encoder, settings);
    } catch (const Error&) {  // hardware that is not there; the next may be
    }
  }
  FailUsage("{}: FFmpeg has no {} encoder that works here; name one of: {}", path, wanted.name,
            UsableEncoders(container));
}

}  // namespace

YuvColor ColorWritten(AVCodecID codec) {
  YuvColor color;
  if (codec == AV_CODEC_ID_WEBP) {  // it has no tags, and readers widen chroma as in JPEG
    color.kr = kBt601Kr, color.kb = kBt601Kb, color.site = ChromaSite::kCenter;
  }
  return color;
}

AvPtr<AVCodecContext> OpenEncoder(const std::string& path, const AVOutputFormat& container,
                                  const VideoSettings& settings) {
  CaptureAvLog();
  return settings.codec.empty() ? OpenDefault(path, container, settings)
                                : OpenNamed(path, container, settings);
}

VideoEncoder::~VideoEncoder() {
  if (fed_ || std::string_view(context_->codec->name) != "libsvtav1") return;
  try {
    const AvPtr<AVFrame> black = NewPicture();
    for (AVBufferRef* plane : black->buf) {
      if (plane != nullptr) std::fill_n(plane->data, plane->size, uint8_t{0});
    }
    Send(black.get());
    Send(nullptr);  // otherwise it prints that the end is missing
  } catch (const std::bad_alloc&) {
  }
}

AvPtr<AVFrame> VideoEncoder::NewPicture() const {
  AvPtr<AVFrame> picture = MakeFrame();
  picture->format = context_->pix_fmt;
  picture->width = context_->width;
  picture->height = context_->height;
  picture->color_primaries = context_->color_primaries;
  picture->color_trc = context_->color_trc;
  picture->colorspace = context_->colorspace;
  picture->color_range = context_->color_range;
  picture->chroma_location = context_->chroma_sample_location;
  picture->sample_aspect_ratio = context_->sample_aspect_ratio;
  if (av_frame_get_buffer(picture.get(), 0) < 0) throw std::bad_alloc();
  return picture;
}

int VideoEncoder::Send(const AVFrame* picture) {
  fed_ = true;
  return avcodec_send_frame(context_.get(), picture);
}

}  // namespace t3
