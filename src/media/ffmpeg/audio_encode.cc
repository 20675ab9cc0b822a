// Sound decoded, put on the clock of the new file, and encoded.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

extern "C" {
#include <libavutil/audio_fifo.h>
}

#include "base/check.h"
#include "media/ffmpeg/audio_packets.h"
#include "media/ffmpeg/audio_resampler.h"
#include "media/ffmpeg/demuxer.h"

namespace t3 {
namespace {

constexpr int kMaxRate = 48'000;
constexpr int kMaxChannels = 8;

struct FreeFifo {
  void operator()(AVAudioFifo* fifo) const { av_audio_fifo_free(fifo); }
};

AvPtr<AVCodecContext> TryEncoder(const AVOutputFormat& container, const AudioEncoding& encoding,
                                 int rate, const AVChannelLayout& channels) {
  const AVCodec* codec = avcodec_find_encoder_by_name(encoding.encoder);
  T3_CHECK(codec != nullptr, "FFmpeg has no encoder {} here", encoding.encoder);
  AvPtr<AVCodecContext> context(avcodec_alloc_context3(codec));
  if (!context || av_channel_layout_copy(&context->ch_layout, &channels) < 0) {
    throw std::bad_alloc();
  }
  context->sample_fmt = encoding.samples;
  context->sample_rate = rate;
  context->time_base = {1, rate};
  context->bit_rate = int64_t{encoding.channel_bit_rate} * channels.nb_channels;
  context->flags |= AV_CODEC_FLAG_BITEXACT;
  if ((container.flags & AVFMT_GLOBALHEADER) != 0) context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  if (avcodec_open2(context.get(), codec, nullptr) < 0) return nullptr;
  return context;
}

// In the source's channels where the encoder has that layout, otherwise in two.
AvPtr<AVCodecContext> OpenAudioEncoder(const AVOutputFormat& container,
                                       const AudioEncoding& encoding,
                                       const AVCodecParameters& source) {
  constexpr int kRates[] = {8'000, 11'025, 16'000, 22'050, 32'000, 44'100, 48'000};
  const bool known =
      std::find(std::begin(kRates), std::end(kRates), source.sample_rate) != std::end(kRates);
  const int rate = encoding.rate > 0 ? encoding.rate : known ? source.sample_rate : kMaxRate;
  const int channels = source.ch_layout.nb_channels;
  for (const int count : {channels, 2}) {
    if (count < 1 || count > kMaxChannels) continue;
    AVChannelLayout layout{};
    av_channel_layout_default(&layout, count);
    if (auto context = TryEncoder(container, encoding, rate, layout)) return context;
  }
  Fail("the encoder {} takes neither its {} channels nor two at {} Hz", encoding.encoder, channels,
       rate);
}

AvPtr<AVCodecContext> OpenAudioDecoder(const std::string& path, const AVStream& stream) {
  const AVCodec* codec = avcodec_find_decoder(stream.codecpar->codec_id);
  T3_CHECK(codec != nullptr, "cannot read {}: FFmpeg has no decoder for {} here", path,
           avcodec_get_name(stream.codecpar->codec_id));
  AvPtr<AVCodecContext> context(avcodec_alloc_context3(codec));
  if (!context) throw std::bad_alloc();
  context->pkt_timebase = stream.time_base;
  int code = avcodec_parameters_to_context(context.get(), stream.codecpar);
  if (code >= 0) code = avcodec_open2(context.get(), codec, nullptr);
  T3_CHECK(code >= 0, "cannot read the sound of {}: {}", path, AvReason(code));
  return context;
}

class EncodedAudio : public AudioPackets {
 public:
  EncodedAudio(const std::string& path, const AVOutputFormat& container,
               const AudioEncoding& encoding, const AudioSpan& span)
      : path_(path),
        demuxer_(path, AVMEDIA_TYPE_AUDIO),
        decoder_(OpenAudioDecoder(path, demuxer_.stream())),
        encoder_(OpenAudioEncoder(container, encoding, *demuxer_.stream().codecpar)),
        resampler_(*encoder_),
        parameters_(avcodec_parameters_alloc()),
        begin_(span.begin),
        samples_(std::llround(std::min(span.seconds, 1e9) * encoder_->sample_rate)),
        queue_(av_audio_fifo_alloc(encoder_->sample_fmt, encoder_->ch_layout.nb_channels, 1)) {
    if (!parameters_ || !queue_) throw std::bad_alloc();
    Check(avcodec_parameters_from_context(parameters_.get(), encoder_.get()));
    constexpr double kPrerollSeconds = 2;
    if (begin_ <= kPrerollSeconds) return;
    demuxer_.Seek(std::llround(
        std::min((begin_ - kPrerollSeconds) / av_q2d(demuxer_.stream().time_base), 4e18)));
  }

  bool Next(AVPacket& packet) override {
    while (true) {
      const int code = avcodec_receive_packet(encoder_.get(), &packet);
      if (code == AVERROR_EOF) return false;
      if (code != AVERROR(EAGAIN)) {
        Check(code);
        return true;
      }
      while (!decoded_all_ && av_audio_fifo_size(queue_.get()) < FrameSize()) DecodeMore();
      Encode();
    }
  }
  const AVCodecParameters& parameters() const override { return *parameters_; }
  AVRational time_base() const override { return encoder_->time_base; }

 private:
  struct FreeParameters {
    void operator()(AVCodecParameters* parameters) const { avcodec_parameters_free(&parameters); }
  };

  void Check(int code) const {
    T3_CHECK(code >= 0, "the sound of {} cannot be encoded: {}", path_, AvReason(code));
  }
  int FrameSize() const { return encoder_->frame_size > 0 ? encoder_->frame_size : 1024; }
  int64_t Left() const { return samples_ - queued_; }

  // One frame of the queue, or the end.
  void Encode() {
    const int count = std::min(av_audio_fifo_size(queue_.get()), FrameSize());
    if (count == 0) return Check(avcodec_send_frame(encoder_.get(), nullptr));
    const AvPtr<AVFrame> frame = NewFrame(count);
    av_audio_fifo_read(queue_.get(), reinterpret_cast<void**>(frame->extended_data), count);
    frame->pts = encoded_;
    encoded_ += count;
    Check(avcodec_send_frame(encoder_.get(), frame.get()));
  }

  AvPtr<AVFrame> NewFrame(int samples) const {
    AvPtr<AVFrame> frame = MakeFrame();
    frame->format = encoder_->sample_fmt;
    frame->sample_rate = encoder_->sample_rate;
    frame->nb_samples = samples;
    if (av_channel_layout_copy(&frame->ch_layout, &encoder_->ch_layout) < 0 ||
        av_frame_get_buffer(frame.get(), 0) < 0) {
      throw std::bad_alloc();
    }
    return frame;
  }

  // Adds some samples to the queue, or finds the end. Silence comes in small parts: a gap can be
  // hours long.
  void DecodeMore() {
    if (silence_ > 0) return QueueSilence();
    if (std::exchange(held_, false)) return Queue(*resampler_.Convert(frame_.get()));
    if (Left() > 0 && ReceiveFrame()) {
      PlaceInTime();
      held_ = true;
      return;
    }
    Queue(*resampler_.Convert(nullptr));
    decoded_all_ = true;
  }

  // Into frame_; false at the end. What is damaged is skipped: the clock makes it silence.
  bool ReceiveFrame() {
    while (avcodec_receive_frame(decoder_.get(), frame_.get()) < 0) {
      if (draining_) return false;
      draining_ = !demuxer_.Read(*packet_);
      avcodec_send_packet(decoder_.get(), draining_ ? nullptr : packet_.get());
    }
    return true;
  }

  // Decides on silence before frame_, or on samples of it that are not wanted.
  void PlaceInTime() {
    const int64_t time = frame_->best_effort_timestamp;
    if (time == AV_NOPTS_VALUE) return;
    const double seconds = static_cast<double>(time) * av_q2d(demuxer_.stream().time_base) - begin_;
    const double place = std::clamp(seconds * encoder_->sample_rate, -1e15, 1e15);
    const int64_t ahead = std::llround(place) - (queued_ + resampler_.delay() - skip_);
    const int64_t tolerance = std::exchange(first_, false) ? 0 : encoder_->sample_rate / 10;
    if (std::abs(ahead) <= tolerance) return;
    const int64_t skip = skip_ - ahead;
    skip_ = std::max<int64_t>(skip, 0);
    silence_ = std::min(std::max<int64_t>(-skip, 0), Left());
  }

  void QueueSilence() {
    const AvPtr<AVFrame> silence =
        NewFrame(static_cast<int>(std::min<int64_t>(silence_, FrameSize())));
    av_samples_set_silence(silence->extended_data, 0, silence->nb_samples,
                           encoder_->ch_layout.nb_channels, encoder_->sample_fmt);
    Put(*silence, 0, silence->nb_samples);
    silence_ -= silence->nb_samples;
  }

  void Queue(const AVFrame& frame) {
    const auto skipped = static_cast<int>(std::min<int64_t>(skip_, frame.nb_samples));
    skip_ -= skipped;
    Put(frame, skipped, static_cast<int>(std::min<int64_t>(frame.nb_samples - skipped, Left())));
  }

  void Put(const AVFrame& frame, int first, int count) {
    if (count <= 0) return;
    const bool planar = av_sample_fmt_is_planar(encoder_->sample_fmt) != 0;
    const int channels = encoder_->ch_layout.nb_channels;
    const int step = av_get_bytes_per_sample(encoder_->sample_fmt) * (planar ? 1 : channels);
    std::vector<void*> planes(static_cast<size_t>(planar ? channels : 1));
    for (size_t i = 0; i < planes.size(); ++i) {
      planes[i] = frame.extended_data[i] + static_cast<ptrdiff_t>(first) * step;
    }
    if (av_audio_fifo_write(queue_.get(), planes.data(), count) < count) throw std::bad_alloc();
    queued_ += count;
  }

  std::string path_;
  Demuxer demuxer_;
  AvPtr<AVCodecContext> decoder_, encoder_;
  AudioResampler resampler_;
  std::unique_ptr<AVCodecParameters, FreeParameters> parameters_;
  double begin_;     // seconds of the source
  int64_t samples_;  // in all, as all counts at the encoder's rate
  std::unique_ptr<AVAudioFifo, FreeFifo> queue_;
  AvPtr<AVPacket> packet_ = MakePacket();
  AvPtr<AVFrame> frame_ = MakeFrame();
  int64_t queued_ = 0, encoded_ = 0;
  int64_t skip_ = 0;     // of the samples that come next
  int64_t silence_ = 0;  // still to be queued before frame_
  bool first_ = true;
  bool held_ = false;  // frame_ is to be queued
  bool draining_ = false, decoded_all_ = false;
};

}  // namespace

std::unique_ptr<AudioPackets> EncodeAudio(const std::string& path, const AVOutputFormat& container,
                                          const AudioEncoding& encoding, const AudioSpan& span) {
  return std::make_unique<EncodedAudio>(path, container, encoding, span);
}

}  // namespace t3
