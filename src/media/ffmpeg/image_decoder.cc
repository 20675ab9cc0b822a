// JPEG and WebP files through FFmpeg's decoders.
#include "media/ffmpeg/image_decoder.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "media/ffmpeg/av.h"
#include "media/ffmpeg/decoded_frame.h"

namespace t3 {
namespace {

AVCodecID CodecOf(std::string_view bytes) {
  if (bytes.starts_with("\xff\xd8\xff")) return AV_CODEC_ID_MJPEG;
  if (bytes.size() > 12 && bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP") {
    return AV_CODEC_ID_WEBP;
  }
  return AV_CODEC_ID_NONE;
}

// FFmpeg fills the missing part of a truncated JPEG with grey and reports no error. A whole file
// has its end marker after the last scan; segments are skipped, since thumbnails in them have one
// too.
bool JpegIsWhole(std::string_view bytes) {
  constexpr std::string_view kStartOfScan("\xff\xda"), kEnd("\xff\xd9");
  size_t position = 2;
  while (position + 4 <= bytes.size() && bytes[position] == '\xff' &&
         bytes.substr(position, 2) != kStartOfScan) {
    if (bytes[position + 1] == '\xff') {  // a fill byte
      ++position;
      continue;
    }
    const auto high = static_cast<unsigned char>(bytes[position + 2]);
    const auto low = static_cast<unsigned char>(bytes[position + 3]);
    position += 2 + (size_t{high} << 8 | low);
  }
  return bytes.find(kEnd, std::min(position, bytes.size())) != std::string_view::npos;
}

AvPtr<AVFrame> Decode(const std::string& path, AVCodecID id, std::string_view bytes) {
  const auto check = [&](int code) {
    T3_CHECK(code >= 0, "{}: broken {}: {}", path, avcodec_get_name(id), AvReason(code));
  };
  const AVCodec* decoder = avcodec_find_decoder(id);
  T3_CHECK(decoder != nullptr, "cannot read {}: FFmpeg has no decoder for {} here", path,
           avcodec_get_name(id));
  const AvPtr<AVCodecContext> context(avcodec_alloc_context3(decoder));
  if (!context) throw std::bad_alloc();
  context->max_pixels = kMaxPixels;
  context->err_recognition = AV_EF_EXPLODE;
  context->thread_count = 1;
  check(avcodec_open2(context.get(), decoder, nullptr));
  const AvPtr<AVPacket> packet = MakePacket();
  check(av_new_packet(packet.get(), static_cast<int>(bytes.size())));  // with FFmpeg's padding
  std::memcpy(packet->data, bytes.data(), bytes.size());
  check(avcodec_send_packet(context.get(), packet.get()));
  check(avcodec_send_packet(context.get(), nullptr));
  AvPtr<AVFrame> frame = MakeFrame();
  check(avcodec_receive_frame(context.get(), frame.get()));
  T3_CHECK(frame->decode_error_flags == 0 && (frame->flags & AV_FRAME_FLAG_CORRUPT) == 0,
           "{}: broken {}", path, avcodec_get_name(id));
  return frame;
}

std::vector<uint8_t> AlphaOf(const AVFrame& frame) {
  const auto* pixels = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  const AVComponentDescriptor& alpha = pixels->comp[pixels->nb_components - 1];
  constexpr uint64_t kOther = AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_HWACCEL;
  if ((pixels->flags & AV_PIX_FMT_FLAG_ALPHA) == 0 || (pixels->flags & kOther) != 0 ||
      alpha.depth != 8) {
    return {};
  }
  std::vector<uint8_t> samples;
  samples.reserve(static_cast<size_t>(frame.width) * static_cast<size_t>(frame.height));
  for (int y = 0; y < frame.height; ++y) {
    const uint8_t* row = frame.data[alpha.plane] +
                         static_cast<ptrdiff_t>(y) * frame.linesize[alpha.plane] + alpha.offset;
    for (int x = 0; x < frame.width; ++x) samples.push_back(row[x * alpha.step]);
  }
  return samples;
}

}  // namespace

Image DecodeImageHere(const std::string& path, std::span<const std::byte> bytes,
                      std::vector<uint8_t>& alpha) {
  CaptureAvLog();
  ClearAvLog();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const AVCodecID id = CodecOf(text);
  T3_CHECK(id != AV_CODEC_ID_NONE, "cannot read {}: it is not a PNG, JPEG or WebP image", path);
  T3_CHECK(bytes.size() < size_t{1} << 30, "cannot read {}: an image of {} bytes", path,
           bytes.size());
  T3_CHECK(id != AV_CODEC_ID_MJPEG || JpegIsWhole(text), "{}: broken JPEG: it is cut short", path);
  const AvPtr<AVFrame> frame = Decode(path, id, text);

  alpha = AlphaOf(*frame);
  YuvColor untagged;  // of pictures: BT.601, sited in the centre
  untagged.kr = kBt601Kr, untagged.kb = kBt601Kb, untagged.site = ChromaSite::kCenter;
  std::vector<float> rgb(3 * static_cast<size_t>(frame->width) * frame->height);
  FrameToRgb(*frame, untagged, rgb.data(), ThreadCount(0));
  return ImageOfPlanes(rgb.data(), frame->width, frame->height);
}

}  // namespace t3
