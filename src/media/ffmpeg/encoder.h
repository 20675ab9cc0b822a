// Chooses, configures and opens a video encoder.
#pragma once

#include <string>
#include <utility>

#include "media/ffmpeg/av.h"
#include "media/video_writer.h"

namespace t3 {

// An opened encoder and the pictures for it.
class VideoEncoder {
 public:
  explicit VideoEncoder(AvPtr<AVCodecContext> context) : context_(std::move(context)) {}
  // SVT-AV1 1.4.1 hangs when it is closed before its first picture, so it is given one.
  ~VideoEncoder();
  VideoEncoder(const VideoEncoder&) = delete;
  VideoEncoder& operator=(const VideoEncoder&) = delete;

  // A new one each time: encoders keep references to the frames that they look ahead to.
  AvPtr<AVFrame> NewPicture() const;
  // As avcodec_send_frame.
  int Send(const AVFrame* picture);
  const AVCodecContext& context() const { return *context_; }
  AVCodecContext* get() { return context_.get(); }

 private:
  AvPtr<AVCodecContext> context_;
  bool fed_ = false;
};

// How the samples of YUV files with this codec are to be read: BT.709, or what the codec
// prescribes.
YuvColor ColorWritten(AVCodecID codec);

// The opened encoder for a file of `container`. Throws Error of kind kUsage when FFmpeg lacks the
// encoder, the container does not take it, or it refuses pixel format, quality or size; messages
// list what would do. `path` is for messages.
AvPtr<AVCodecContext> OpenEncoder(const std::string& path, const AVOutputFormat& container,
                                  const VideoSettings& settings);

}  // namespace t3
