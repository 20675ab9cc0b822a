// libswresample.
#include "media/ffmpeg/audio_resampler.h"

#include <algorithm>
#include <new>

#include "base/check.h"

namespace t3 {

AvPtr<AVFrame> AudioResampler::Convert(const AVFrame* frame) {
  if (frame != nullptr) Configure(*frame);
  AvPtr<AVFrame> out = MakeFrame();
  if (context_ == nullptr) return out;
  out->format = to_.sample_fmt;
  out->sample_rate = to_.sample_rate;
  out->nb_samples = swr_get_out_samples(context_.get(), frame == nullptr ? 0 : frame->nb_samples);
  if (av_channel_layout_copy(&out->ch_layout, &to_.ch_layout) < 0) throw std::bad_alloc();
  if (out->nb_samples <= 0) {
    out->nb_samples = 0;
    return out;
  }
  if (av_frame_get_buffer(out.get(), 0) < 0) throw std::bad_alloc();
  const int count =
      swr_convert(context_.get(), out->extended_data, out->nb_samples,
                  frame == nullptr ? nullptr : const_cast<const uint8_t**>(frame->extended_data),
                  frame == nullptr ? 0 : frame->nb_samples);
  out->nb_samples = std::max(count, 0);
  return out;
}

int64_t AudioResampler::delay() const {
  return context_ == nullptr ? 0 : swr_get_delay(context_.get(), to_.sample_rate);
}

void AudioResampler::Configure(const AVFrame& frame) {
  if (context_ != nullptr && frame.format == format_ && frame.sample_rate == rate_ &&
      frame.ch_layout.nb_channels == channels_) {
    return;
  }
  format_ = frame.format, rate_ = frame.sample_rate, channels_ = frame.ch_layout.nb_channels;
  AVChannelLayout from{};
  if (frame.ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) {
    av_channel_layout_default(&from, channels_);
  } else if (av_channel_layout_copy(&from, &frame.ch_layout) < 0) {
    throw std::bad_alloc();
  }
  SwrContext* made = nullptr;
  AVChannelLayout to = to_.ch_layout;  // of native order: it owns nothing
  const int code =
      swr_alloc_set_opts2(&made, &to, to_.sample_fmt, to_.sample_rate, &from,
                          static_cast<AVSampleFormat>(frame.format), frame.sample_rate, 0, nullptr);
  context_.reset(made);
  av_channel_layout_uninit(&from);
  T3_CHECK(code >= 0 && swr_init(made) >= 0, "its samples ({} channels, {} Hz) cannot be converted",
           channels_, rate_);
}

}  // namespace t3
