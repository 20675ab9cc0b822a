// Decoded sound in an encoder's format.
#pragma once

#include <cstdint>

#include "media/ffmpeg/av.h"

namespace t3 {

// From any format of samples, channels and rate, which may change on the way.
class AudioResampler {
 public:
  // `to` is an opened encoder and lives longer.
  explicit AudioResampler(const AVCodecContext& to) : to_(to) {}

  // The samples of `frame`, or with null those that are still inside; may be none. Throws Error for
  // samples that cannot be converted.
  AvPtr<AVFrame> Convert(const AVFrame* frame);

  // Samples at the encoder's rate that have gone in and not come out.
  int64_t delay() const;

 private:
  void Configure(const AVFrame& frame);

  const AVCodecContext& to_;
  AvPtr<SwrContext> context_;                                  // null before the first frame
  int format_ = AV_SAMPLE_FMT_NONE, rate_ = 0, channels_ = 0;  // that context_ takes
};

}  // namespace t3
