// Colours and orientation of decoded frames.
#include "media/ffmpeg/decoded_frame.h"

#include <string_view>
#include <vector>

#include "base/check.h"

namespace t3 {
namespace {

void SetMatrix(AVColorSpace space, YuvColor& color) {
  switch (space) {
    case AVCOL_SPC_BT709:
      color.kr = YuvColor{}.kr, color.kb = YuvColor{}.kb;
      break;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
    case AVCOL_SPC_FCC:
      color.kr = kBt601Kr, color.kb = kBt601Kb;
      break;
    case AVCOL_SPC_SMPTE240M:
      color.kr = kSmpte240Kr, color.kb = kSmpte240Kb;
      break;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      color.kr = kBt2020Kr, color.kb = kBt2020Kb;
      break;
    default:
      break;
  }
}

void ThroughSwscale(const AVFrame& frame, float* rgb, int threads) {
  const auto format = static_cast<AVPixelFormat>(frame.format);
  const AvPtr<SwsContext> scaler(sws_getContext(frame.width, frame.height, format, frame.width,
                                                frame.height, AV_PIX_FMT_RGB48LE, SWS_BILINEAR,
                                                nullptr, nullptr, nullptr));
  T3_CHECK(scaler != nullptr, "decoded pixels of format {} cannot be converted",
           av_get_pix_fmt_name(format));
  const ptrdiff_t stride = static_cast<ptrdiff_t>(frame.width) * 6;
  // swscale may write a vector beyond the last pixel.
  std::vector<uint8_t> words(stride * frame.height + 64);
  uint8_t* const out[4] = {words.data()};
  const int strides[4] = {static_cast<int>(stride)};
  T3_CHECK(sws_scale(scaler.get(), frame.data, frame.linesize, 0, frame.height, out, strides) ==
               frame.height,
           "decoded pixels of format {} cannot be converted", av_get_pix_fmt_name(format));
  ConstPlanes planes;
  planes.data[0] = words.data();
  planes.stride[0] = stride;
  UnpackFrame(planes, frame.width, frame.height, PackedRgbLayout(16), YuvColor{}, rgb, threads);
}

}  // namespace

YuvColor ColorOf(const AVFrame& frame, const YuvColor& untagged) {
  YuvColor color = untagged;
  SetMatrix(frame.colorspace, color);
  const std::string_view name = av_get_pix_fmt_name(static_cast<AVPixelFormat>(frame.format));
  const bool untagged_grey = frame.color_range == AVCOL_RANGE_UNSPECIFIED &&
                             (name.starts_with("gray") || name.starts_with("ya"));
  color.full_range =
      frame.color_range == AVCOL_RANGE_JPEG || name.starts_with("yuvj") || untagged_grey;
  if (frame.chroma_location == AVCHROMA_LOC_CENTER) color.site = ChromaSite::kCenter;
  if (frame.chroma_location == AVCHROMA_LOC_LEFT) color.site = ChromaSite::kLeft;
  if (frame.chroma_location == AVCHROMA_LOC_TOPLEFT) color.site = ChromaSite::kTopLeft;
  return color;
}

void FrameToRgb(const AVFrame& frame, const YuvColor& untagged, float* rgb, int threads) {
  const auto layout = LayoutOf(static_cast<AVPixelFormat>(frame.format));
  if (!layout) {
    ThroughSwscale(frame, rgb, threads);
    return;
  }
  UnpackFrame(PlanesOfFrame(&frame), frame.width, frame.height, *layout, ColorOf(frame, untagged),
              rgb, threads);
}

Orientation OrientationOf(const int32_t* m) {
  // (x, y) goes to (m0 x + m3 y, m1 x + m4 y).
  if (m[0] != 0 && m[4] != 0 && m[1] == 0 && m[3] == 0) return {false, m[0] < 0, m[4] < 0};
  if (m[0] == 0 && m[4] == 0 && m[1] != 0 && m[3] != 0) return {true, m[3] < 0, m[1] < 0};
  return {};
}

Orientation OrientationOf(const AVFrame& frame) {
  const AVFrameSideData* data = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
  if (data == nullptr || data->size < 9 * sizeof(int32_t)) return {};
  return OrientationOf(reinterpret_cast<const int32_t*>(data->data));
}

void Turn(const float* in, int64_t width, int64_t height, const Orientation& orientation,
          float* out) {
  const int64_t out_width = orientation.transpose ? height : width;
  const int64_t out_height = orientation.transpose ? width : height;
  for (int64_t plane = 0; plane < 3; ++plane, in += width * height) {
    for (int64_t y = 0; y < out_height; ++y) {
      const int64_t from_y = orientation.mirror_y ? out_height - 1 - y : y;
      for (int64_t x = 0; x < out_width; ++x) {
        const int64_t from_x = orientation.mirror_x ? out_width - 1 - x : x;
        *out++ = orientation.transpose ? in[from_x * width + from_y] : in[from_y * width + from_x];
      }
    }
  }
}

}  // namespace t3
