// Colours and orientation of decoded frames.
#include "media/ffmpeg/decoded_frame.h"

#include <string_view>
#include <vector>

#include "base/check.h"
#include "media/hdr_to_sdr.h"

namespace t3 {
namespace {

// Throws Error for colour codings other than luma and two colour differences: their samples, read
// as such, would show false colours.
void SetMatrix(AVColorSpace space, YuvColor& color) {
  switch (space) {
    case AVCOL_SPC_ICTCP:
    case AVCOL_SPC_YCGCO:
    case AVCOL_SPC_SMPTE2085:
    case AVCOL_SPC_BT2020_CL:
    case AVCOL_SPC_CHROMA_DERIVED_NCL:
    case AVCOL_SPC_CHROMA_DERIVED_CL:
      Fail("its colours are coded as {}, which is not read", av_color_space_name(space));
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
      color.kr = kBt2020Kr, color.kb = kBt2020Kb;
      break;
    default:
      break;
  }
}

ColourVolume VolumeOf(const AVFrame& frame) {
  ColourVolume volume;
  if (frame.color_primaries == AVCOL_PRI_BT2020) volume.gamut = Gamut::kBt2020;
  if (frame.color_primaries == AVCOL_PRI_SMPTE432) volume.gamut = Gamut::kDisplayP3;
  if (frame.color_trc == AVCOL_TRC_SMPTE2084) volume.transfer = Transfer::kPq;
  if (frame.color_trc == AVCOL_TRC_ARIB_STD_B67) volume.transfer = Transfer::kHlg;
  const bool untagged = frame.color_primaries == AVCOL_PRI_UNSPECIFIED;
  const bool hdr = volume.transfer != Transfer::kBt1886;
  if (untagged && (hdr || frame.colorspace == AVCOL_SPC_BT2020_NCL)) volume.gamut = Gamut::kBt2020;
  return volume;
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
  if (layout) {
    UnpackFrame(PlanesOfFrame(&frame), frame.width, frame.height, *layout, ColorOf(frame, untagged),
                rgb, threads);
  } else {
    ThroughSwscale(frame, rgb, threads);
  }
  const ColourVolume volume = VolumeOf(frame);
  if (volume.is_bt709()) return;
  ToBt709(volume, int64_t{frame.width} * frame.height, rgb, threads);
}

Orientation OrientationOf(const int32_t* m) {
  // (x, y) goes to (m0 x + m3 y, m1 x + m4 y).
  if (m[0] != 0 && m[4] != 0 && m[1] == 0 && m[3] == 0) return {false, m[0] < 0, m[4] < 0};
  if (m[0] == 0 && m[4] == 0 && m[1] != 0 && m[3] != 0) return {true, m[3] < 0, m[1] < 0};
  return {};
}

}  // namespace t3
