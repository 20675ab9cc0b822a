// Packets of sound as a source has them.
#include <algorithm>
#include <cmath>
#include <limits>

#include "media/ffmpeg/audio_packets.h"
#include "media/ffmpeg/demuxer.h"

namespace t3 {
namespace {

class CopiedAudio : public AudioPackets {
 public:
  CopiedAudio(const std::string& path, const AVOutputFormat& container, const AudioSpan& span)
      : demuxer_(path, AVMEDIA_TYPE_AUDIO) {
    begin_ = UnitsOf(span.begin);
    end_ = av_sat_add64(begin_, UnitsOf(span.seconds));
    const AVCodecParameters& audio = parameters();
    if ((container.flags & AVFMT_TS_NEGATIVE) != 0) {
      earliest_ = std::numeric_limits<int64_t>::min();
    } else if (audio.sample_rate > 0) {
      earliest_ = -av_rescale_q(audio.initial_padding, {1, audio.sample_rate}, time_base());
    }
    constexpr int kPrerollSeconds = 2;
    if (span.begin > kPrerollSeconds) demuxer_.Seek(UnitsOf(span.begin - kPrerollSeconds));
  }

  bool Next(AVPacket& packet) override {
    while (demuxer_.Read(packet)) {
      if (packet.pts == AV_NOPTS_VALUE) packet.pts = next_;
      if (packet.pts == AV_NOPTS_VALUE || packet.size == 0) continue;
      next_ = av_sat_add64(packet.pts, packet.duration);
      if (packet.pts >= end_) return false;
      if (next_ < begin_) continue;
      packet.pts = av_sat_sub64(packet.pts, begin_);
      packet.dts = packet.pts;  // sound is not reordered
      packet.pos = -1;
      if (packet.pts < earliest_ || packet.pts <= last_) continue;
      last_ = packet.pts;
      return true;
    }
    return false;
  }
  const AVCodecParameters& parameters() const override { return *demuxer_.stream().codecpar; }
  AVRational time_base() const override { return demuxer_.stream().time_base; }

 private:
  int64_t UnitsOf(double seconds) const {
    constexpr double kMax = 4e18;  // hostile times stay within 64 bits
    return static_cast<int64_t>(
        std::llround(std::clamp(seconds / av_q2d(time_base()), -kMax, kMax)));
  }

  Demuxer demuxer_;
  int64_t begin_ = 0, end_ = 0;    // in time_base()
  int64_t earliest_ = 0;           // time that the container allows, from 0
  int64_t next_ = AV_NOPTS_VALUE;  // where the packet after the last one begins
  int64_t last_ = std::numeric_limits<int64_t>::min();
};

}  // namespace

std::unique_ptr<AudioPackets> CopyAudio(const std::string& path, const AVOutputFormat& container,
                                        const AudioSpan& span) {
  return std::make_unique<CopiedAudio>(path, container, span);
}

}  // namespace t3
