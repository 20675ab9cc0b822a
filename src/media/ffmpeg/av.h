// FFmpeg for the files of this folder: ownership, messages, pixel formats.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/pixdesc.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <optional>
#include <string>

#include "media/pixel_convert.h"
#include "media/pixel_layout.h"

namespace t3 {

struct AvDelete {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(SwsContext* context) const { sws_freeContext(context); }
  void operator()(SwrContext* context) const { swr_free(&context); }
};
template <typename T>
using AvPtr = std::unique_ptr<T, AvDelete>;

AvPtr<AVFrame> MakeFrame();
AvPtr<AVPacket> MakePacket();

// Collects what FFmpeg reports as errors instead of letting it print them. From the first use on,
// messages of all threads are collected.
void CaptureAvLog();
// In a forked child: an empty log, whose lock no thread of the parent can have held at the fork.
void RestartAvLog();
// The reason for a failure: FFmpeg's text for `code` (the system's text for I/O errors), with what
// was logged since the last call.
std::string AvReason(int code);
// Forgets what was logged.
void ClearAvLog();

// How a pixel format lies in memory; nothing for formats that are not bytes or little-endian 16-bit
// words (hardware, palette, float, big-endian, several samples in a word).
std::optional<PixelLayout> LayoutOf(AVPixelFormat format);

// The planes of a frame, for writing and for reading.
Planes PlanesOfFrame(AVFrame* frame);
ConstPlanes PlanesOfFrame(const AVFrame* frame);

}  // namespace t3
