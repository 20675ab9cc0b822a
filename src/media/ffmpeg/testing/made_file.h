// Test support: video files with chosen times, tags and sound, and what a file's sound is.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numbers>
#include <string>
#include <vector>

extern "C" {
#include <libavutil/display.h>
}

#include "media/ffmpeg/av.h"
#include "media/ffmpeg/decoded_frame.h"
#include "media/ffmpeg/demuxer.h"
#include "media/frame.h"
#include "media/pixel_convert.h"
#include "media/testing/frames.h"

namespace t3 {

inline void CheckMade(int code) {
  if (code < 0) throw std::runtime_error("test file: " + AvReason(code));
}

// Sound with a tone of 1000 Hz from `onset` on, and silence before it.
struct MadeSound {
  std::string encoder = "aac";
  AVSampleFormat samples = AV_SAMPLE_FMT_FLTP;
  int rate = 48'000;
  int channels = 2;
  double seconds = 2;
  double onset = 0.5;  // after the sound's start
  double start = 0;    // of the sound in the file
  bool is_default = true;
};

struct MadeVideo {
  int width = 64, height = 48;
  std::string encoder = "mpeg4";
  AVPixelFormat pixels = AV_PIX_FMT_YUV420P;
  std::vector<int64_t> milliseconds;  // when each frame is shown
  double rotation = 0;                // degrees, clockwise
  AVFieldOrder fields = AV_FIELD_PROGRESSIVE;
  std::function<TestFrame(int)> picture;  // default: flat, of GreyOf(index)
  std::vector<MadeSound> sounds;
};

// Frame `index` is flat, of a grey that names it.
inline float GreyOf(int index) { return -0.8f + 0.1f * static_cast<float>(index % 16); }
inline int IndexOfGrey(float grey) { return static_cast<int>(std::lround((grey + 0.8f) * 10)); }

class FileMaker {
 public:
  FileMaker(const std::string& path, const MadeVideo& video) {
    CheckMade(avformat_alloc_output_context2(&format_, nullptr, nullptr, path.c_str()));
    if (!video.milliseconds.empty()) EncodeVideo(video);
    for (const MadeSound& sound : video.sounds) EncodeSound(sound);
    CheckMade(avio_open(&format_->pb, path.c_str(), AVIO_FLAG_WRITE));
    CheckMade(avformat_write_header(format_, nullptr));
    std::stable_sort(packets_.begin(), packets_.end(), [](const Made& a, const Made& b) {
      return av_compare_ts(a.packet->dts, a.unit, b.packet->dts, b.unit) < 0;
    });
    for (Made& made : packets_) {
      const AVStream& stream = *format_->streams[made.packet->stream_index];
      av_packet_rescale_ts(made.packet.get(), made.unit, stream.time_base);
      CheckMade(av_interleaved_write_frame(format_, made.packet.get()));
    }
    CheckMade(av_write_trailer(format_));
  }
  ~FileMaker() {
    if (format_->pb != nullptr) avio_closep(&format_->pb);
    avformat_free_context(format_);
  }
  FileMaker(const FileMaker&) = delete;
  FileMaker& operator=(const FileMaker&) = delete;

 private:
  struct Made {
    AvPtr<AVPacket> packet;
    AVRational unit;
  };

  void EncodeVideo(const MadeVideo& video) {
    const AVCodec* codec = avcodec_find_encoder_by_name(video.encoder.c_str());
    const AvPtr<AVCodecContext> encoder(avcodec_alloc_context3(codec));
    encoder->width = video.width, encoder->height = video.height;
    encoder->pix_fmt = video.pixels;
    encoder->time_base = {1, 1000};
    encoder->bit_rate = 2'000'000;
    AVStream& stream = Open(*encoder);
    stream.codecpar->field_order = video.fields;
    if (video.rotation != 0) {
      auto* matrix = reinterpret_cast<int32_t*>(
          av_stream_new_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t)));
      av_display_rotation_set(matrix, video.rotation);
    }
    for (size_t i = 0; i < video.milliseconds.size(); ++i) {
      const int index = static_cast<int>(i);
      const TestFrame picture = video.picture ? video.picture(index)
                                              : FlatFrame(video.width, video.height, GreyOf(index),
                                                          GreyOf(index), GreyOf(index));
      const AvPtr<AVFrame> frame = MakeFrame();
      frame->format = video.pixels;
      frame->width = video.width, frame->height = video.height;
      CheckMade(av_frame_get_buffer(frame.get(), 0));
      PackFrame(picture.view(), *LayoutOf(video.pixels), YuvColor{}, PlanesOfFrame(frame.get()), 1);
      frame->pts = video.milliseconds[i];
      Encode(*encoder, frame.get(), stream);
    }
    Encode(*encoder, nullptr, stream);
  }

  void EncodeSound(const MadeSound& sound) {
    const AVCodec* codec = avcodec_find_encoder_by_name(sound.encoder.c_str());
    const AvPtr<AVCodecContext> encoder(avcodec_alloc_context3(codec));
    encoder->sample_fmt = sound.samples;
    encoder->sample_rate = sound.rate;
    encoder->time_base = {1, sound.rate};
    av_channel_layout_default(&encoder->ch_layout, sound.channels);
    AVStream& stream = Open(*encoder);
    stream.disposition = sound.is_default ? AV_DISPOSITION_DEFAULT : 0;
    const auto total = static_cast<int64_t>(sound.seconds * sound.rate);
    const int step = encoder->frame_size > 0 ? encoder->frame_size : 1024;
    for (int64_t first = 0; first < total; first += step) {
      const AvPtr<AVFrame> frame = MakeFrame();
      frame->format = sound.samples;
      frame->sample_rate = sound.rate;
      frame->nb_samples = static_cast<int>(std::min<int64_t>(step, total - first));
      CheckMade(av_channel_layout_copy(&frame->ch_layout, &encoder->ch_layout));
      CheckMade(av_frame_get_buffer(frame.get(), 0));
      for (int i = 0; i < frame->nb_samples; ++i) PutTone(sound, first + i, i, *frame);
      frame->pts = first + std::llround(sound.start * sound.rate);
      Encode(*encoder, frame.get(), stream);
    }
    Encode(*encoder, nullptr, stream);
  }

  static void PutTone(const MadeSound& sound, int64_t sample, int i, AVFrame& frame) {
    const double time = static_cast<double>(sample) / sound.rate;
    const double value =
        time < sound.onset ? 0 : 0.5 * std::sin(2 * std::numbers::pi * 1000 * (time - sound.onset));
    for (int c = 0; c < sound.channels; ++c) {
      if (sound.samples == AV_SAMPLE_FMT_FLTP) {
        reinterpret_cast<float*>(frame.extended_data[c])[i] = static_cast<float>(value);
      } else {  // AV_SAMPLE_FMT_S16
        reinterpret_cast<int16_t*>(frame.data[0])[i * sound.channels + c] =
            static_cast<int16_t>(std::lround(value * 32767));
      }
    }
  }

  AVStream& Open(AVCodecContext& encoder) {
    if ((format_->oformat->flags & AVFMT_GLOBALHEADER) != 0) {
      encoder.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    }
    encoder.strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    CheckMade(avcodec_open2(&encoder, encoder.codec, nullptr));
    AVStream* stream = avformat_new_stream(format_, nullptr);
    stream->time_base = encoder.time_base;
    CheckMade(avcodec_parameters_from_context(stream->codecpar, &encoder));
    return *stream;
  }

  void Encode(AVCodecContext& encoder, const AVFrame* frame, const AVStream& stream) {
    CheckMade(avcodec_send_frame(&encoder, frame));
    while (true) {
      AvPtr<AVPacket> packet = MakePacket();
      const int code = avcodec_receive_packet(&encoder, packet.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
      CheckMade(code);
      packet->stream_index = stream.index;
      if (packet->duration == 0) packet->duration = av_rescale_q(40, {1, 1000}, encoder.time_base);
      packets_.push_back({std::move(packet), encoder.time_base});
    }
  }

  AVFormatContext* format_ = nullptr;
  std::vector<Made> packets_;
};

// By the extension of `path`.
inline void MakeFile(const std::string& path, const MadeVideo& video) {
  CaptureAvLog();
  FileMaker(path, video);
}

// Times of `count` frames at `fps`, from `first` milliseconds on.
inline std::vector<int64_t> EvenMilliseconds(int count, double fps, int64_t first = 0) {
  std::vector<int64_t> times;
  for (int i = 0; i < count; ++i) times.push_back(first + std::llround(1000 * i / fps));
  return times;
}

// The sound of a file as its players time it.
struct HeardSound {
  AVCodecID codec = AV_CODEC_ID_NONE;
  int channels = 0;
  double onset = -1;  // seconds after the first picture, of the first loud sample; -1: none
  double end = 0;     // of the last sample
  std::vector<std::string> packets;
};

inline HeardSound SoundOf(const std::string& path) {
  HeardSound sound;
  const Demuxer pictures(path);
  const double origin =
      pictures.stream().start_time == AV_NOPTS_VALUE
          ? 0
          : static_cast<double>(pictures.stream().start_time) * av_q2d(pictures.stream().time_base);
  Demuxer demuxer(path, AVMEDIA_TYPE_AUDIO);
  const AVStream& stream = demuxer.stream();
  sound.codec = stream.codecpar->codec_id;
  sound.channels = stream.codecpar->ch_layout.nb_channels;
  const AvPtr<AVCodecContext> decoder(
      avcodec_alloc_context3(avcodec_find_decoder(stream.codecpar->codec_id)));
  CheckMade(avcodec_parameters_to_context(decoder.get(), stream.codecpar));
  decoder->pkt_timebase = stream.time_base;
  CheckMade(avcodec_open2(decoder.get(), nullptr, nullptr));
  const AvPtr<AVPacket> packet = MakePacket();
  const AvPtr<AVFrame> frame = MakeFrame();
  const auto loudness = [&](int i) {
    const auto* bytes = frame->extended_data[0];
    const auto at = static_cast<size_t>(
        av_sample_fmt_is_planar(decoder->sample_fmt) != 0 ? i : i * sound.channels);
    if (av_get_bytes_per_sample(decoder->sample_fmt) == 2) {
      return std::abs(reinterpret_cast<const int16_t*>(bytes)[at]) / 32768.0;
    }
    return std::abs(static_cast<double>(reinterpret_cast<const float*>(bytes)[at]));
  };
  const auto hear = [&] {
    while (avcodec_receive_frame(decoder.get(), frame.get()) >= 0) {
      const double time =
          static_cast<double>(frame->best_effort_timestamp) * av_q2d(stream.time_base) - origin;
      for (int i = 0; i < frame->nb_samples && sound.onset < 0; ++i) {
        if (loudness(i) > 0.2) sound.onset = time + static_cast<double>(i) / frame->sample_rate;
      }
      sound.end = time + static_cast<double>(frame->nb_samples) / frame->sample_rate;
    }
  };
  while (demuxer.Read(*packet)) {
    sound.packets.emplace_back(reinterpret_cast<const char*>(packet->data),
                               static_cast<size_t>(packet->size));
    avcodec_send_packet(decoder.get(), packet.get());
    hear();
  }
  avcodec_send_packet(decoder.get(), nullptr);
  hear();
  return sound;
}

}  // namespace t3
