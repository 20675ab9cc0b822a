// FFmpeg's log, errors and pixel formats.
#include "media/ffmpeg/av.h"

#include <cstdlib>
#include <mutex>
#include <new>

namespace t3 {
namespace {

constexpr size_t kMaxLogBytes = 500;

struct Log {
  std::mutex mutex;
  std::string text;
};
Log*& TheLogPointer() {
  static Log* log = new Log;  // never destroyed: FFmpeg's threads may outlive static destructors
  return log;
}
Log& TheLog() { return *TheLogPointer(); }

void OnLog(void* context, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_ERROR) return;
  char line[512];
  int prefix = 0;
  av_log_format_line2(context, level, format, arguments, line, sizeof(line), &prefix);
  Log& log = TheLog();
  const std::lock_guard lock(log.mutex);
  if (log.text.size() < kMaxLogBytes) log.text += line;
}

std::string TakeLog() {
  Log& log = TheLog();
  const std::lock_guard lock(log.mutex);
  std::string text = std::move(log.text);
  log.text.clear();
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '.')) text.pop_back();
  return text;
}

}  // namespace

AvPtr<AVFrame> MakeFrame() {
  AvPtr<AVFrame> frame(av_frame_alloc());
  if (!frame) throw std::bad_alloc();
  return frame;
}

AvPtr<AVPacket> MakePacket() {
  AvPtr<AVPacket> packet(av_packet_alloc());
  if (!packet) throw std::bad_alloc();
  return packet;
}

void CaptureAvLog() {
  static std::once_flag once;
  std::call_once(once, [] {
    av_log_set_callback(OnLog);
    ::setenv("SVT_LOG", "1", /*replace=*/0);  // SVT-AV1 prints to stderr by itself; 1: errors
  });
}

void RestartAvLog() { TheLogPointer() = new Log; }

void ClearAvLog() { TakeLog(); }

std::string AvReason(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof(text));
  const std::string log = TakeLog();
  return log.empty() ? text : std::string(text) + " (" + log + ")";
}

std::optional<PixelLayout> LayoutOf(AVPixelFormat format) {
  const AVPixFmtDescriptor* pixels = av_pix_fmt_desc_get(format);
  constexpr uint64_t kOther = AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                              AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BAYER |
                              AV_PIX_FMT_FLAG_FLOAT;
  if (pixels == nullptr || (pixels->flags & kOther) != 0) return std::nullopt;
  if (std::string_view(pixels->name).starts_with("xyz")) return std::nullopt;
  PixelLayout layout;
  layout.rgb = (pixels->flags & AV_PIX_FMT_FLAG_RGB) != 0;
  layout.alpha = (pixels->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
  layout.components = pixels->nb_components >= 3 ? 3 : 1;
  layout.log2_chroma_w = pixels->log2_chroma_w;
  layout.log2_chroma_h = pixels->log2_chroma_h;
  for (int c = 0; c < layout.components; ++c) {
    const AVComponentDescriptor& component = pixels->comp[c];
    SampleLayout& sample = layout.samples[c];
    sample = {component.plane, component.step, component.offset, component.shift, component.depth};
    if (sample.depth < 8 || sample.shift + sample.depth > 16) return std::nullopt;
    if (sample.bytes() == 2 && (pixels->flags & AV_PIX_FMT_FLAG_BE) != 0) return std::nullopt;
    if (sample.offset % sample.bytes() != 0 || sample.step % sample.bytes() != 0) {
      return std::nullopt;
    }
  }
  return layout;
}

Planes PlanesOfFrame(AVFrame* frame) {
  Planes planes;
  for (int i = 0; i < 4; ++i) {
    planes.data[i] = frame->data[i];
    planes.stride[i] = frame->linesize[i];
  }
  return planes;
}

ConstPlanes PlanesOfFrame(const AVFrame* frame) {
  ConstPlanes planes;
  for (int i = 0; i < 4; ++i) {
    planes.data[i] = frame->data[i];
    planes.stride[i] = frame->linesize[i];
  }
  return planes;
}

}  // namespace t3
