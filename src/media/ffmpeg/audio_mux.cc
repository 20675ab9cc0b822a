// Choosing how sound is carried, and interleaving it with pictures.
#include "media/ffmpeg/audio_mux.h"

#include <charconv>
#include <csignal>
#include <map>
#include <memory>
#include <new>
#include <vector>

#include "base/check.h"
#include "media/ffmpeg/audio_packets.h"
#include "media/ffmpeg/audio_target.h"
#include "media/ffmpeg/demuxer.h"
#include "media/ffmpeg/frame_index.h"
#include "media/ffmpeg/muxer.h"
#include "media/ffmpeg/packed_texts.h"

namespace t3 {
namespace {

using Metadata = std::map<std::string, std::string>;

constexpr size_t kFirstKey = 5;  // in the texts of a job

double SecondsOf(const std::string& text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// When the source's first picture is shown, in its own times.
double FirstPicture(const std::string& source) {
  const FrameIndex index = ReadFrameIndex(source);
  if (!index.has_times || index.stamps.empty()) return 0;
  return static_cast<double>(index.stamps.front().time) *
         av_q2d(Demuxer(source).stream().time_base);
}

std::unique_ptr<AudioPackets> OpenAudio(const std::string& source, const AVOutputFormat& container,
                                        const AudioSpan& span) {
  const AVCodecID codec = Demuxer(source, AVMEDIA_TYPE_AUDIO).stream().codecpar->codec_id;
  if (IsCopied(codec, container)) return CopyAudio(source, container, span);
  return EncodeAudio(source, container, *EncodingFor(container), span);
}

void CopyStream(const AVStream& from, AVStream& to) {
  to.time_base = from.time_base;
  to.avg_frame_rate = from.avg_frame_rate;
  to.sample_aspect_ratio = from.sample_aspect_ratio;
  to.disposition = from.disposition;
  if (avcodec_parameters_copy(to.codecpar, from.codecpar) < 0) throw std::bad_alloc();
}

void SetUp(AVStream& stream, const AudioPackets& audio) {
  stream.time_base = audio.time_base();
  if (avcodec_parameters_copy(stream.codecpar, &audio.parameters()) < 0) throw std::bad_alloc();
  stream.codecpar->codec_tag = 0;  // the container's own
}

// What has to be added to the times of packets, in audio.time_base(), so that `container` shows
// them as given. Matroska has the samples that a decoder drops at the start as a delay of the
// track; whether the muxer makes up for it depends on FFmpeg's version. So a packet at time 0 is
// written to `file` and read back.
int64_t ShiftOf(const std::string& file, const AVOutputFormat& container, const AudioPackets& audio,
                const AVPacket& first) {
  const AVCodecParameters& sound = audio.parameters();
  if (sound.initial_padding == 0 || (container.flags & AVFMT_TS_NEGATIVE) != 0) return 0;
  Muxer muxer(file, container);
  AVStream& stream = muxer.AddStream();
  SetUp(stream, audio);
  const AvPtr<AVPacket> packet(av_packet_clone(&first));
  if (packet == nullptr) throw std::bad_alloc();
  packet->pts = packet->dts = 0;
  int code = muxer.Start({});
  if (code >= 0) code = muxer.Write(packet.get(), stream, audio.time_base());
  if (code >= 0) code = muxer.Finish();
  T3_CHECK(code >= 0, "cannot write {}: {}", file, AvReason(code));
  Demuxer written(file, AVMEDIA_TYPE_AUDIO);
  const bool shown_early = written.Read(*packet) && packet->pts < 0;
  return shown_early
             ? av_rescale_q(sound.initial_padding, {1, sound.sample_rate}, audio.time_base())
             : 0;
}

// Two streams whose packets come in order become one file whose packets do.
class Interleaver {
 public:
  Interleaver(const std::string& output, const AVOutputFormat& container, const std::string& silent,
              const std::string& combined, const Metadata& metadata, AudioPackets& audio)
      : output_(output),
        pictures_(silent),
        audio_(audio),
        muxer_(combined, container),
        picture_stream_(muxer_.AddStream()),
        audio_stream_(muxer_.AddStream()) {
    CopyStream(pictures_.stream(), picture_stream_);
    SetUp(audio_stream_, audio);
    has_sound_ = audio_.Next(*sound_);
    if (has_sound_) shift_ = ShiftOf(combined, container, audio, *sound_);
    Check(muxer_.Start(metadata));
  }

  void Run() {
    while (pictures_.Read(*picture_)) {
      while (has_sound_ && !ComesBefore(*picture_, *sound_)) WriteSound();
      Check(muxer_.Write(picture_.get(), picture_stream_, pictures_.stream().time_base));
    }
    while (has_sound_) WriteSound();
    Check(muxer_.Finish());
  }

 private:
  void WriteSound() {
    sound_->pts = sound_->dts = av_sat_add64(sound_->pts, shift_);
    Check(muxer_.Write(sound_.get(), audio_stream_, audio_.time_base()));
    has_sound_ = audio_.Next(*sound_);
  }
  bool ComesBefore(const AVPacket& picture, const AVPacket& sound) const {
    return av_compare_ts(picture.dts, pictures_.stream().time_base, sound.dts, audio_.time_base()) <
           0;
  }
  void Check(int code) const {
    T3_CHECK(code >= 0, "cannot write {}: {}", output_, AvReason(code));
  }

  std::string output_;  // for messages
  Demuxer pictures_;
  AudioPackets& audio_;
  Muxer muxer_;
  AVStream& picture_stream_;
  AVStream& audio_stream_;
  AvPtr<AVPacket> picture_ = MakePacket(), sound_ = MakePacket();
  bool has_sound_ = false;
  int64_t shift_ = 0;
};

}  // namespace

std::string PlanAudioHere(const std::string& source, const std::string& output) {
  CaptureAvLog();
  const AVOutputFormat& container = FindContainer(output);
  const AVCodecID codec = Demuxer(source, AVMEDIA_TYPE_AUDIO).stream().codecpar->codec_id;
  const char* name = avcodec_get_name(codec);
  const AudioEncoding& encoding = *EncodingFor(container);
  if (IsCopied(codec, container)) return PackTexts({"carried", ""});
  if (avcodec_find_decoder(codec) == nullptr) {
    return PackTexts({"left out", fmt::format("the sound of {} is left out: FFmpeg has no decoder "
                                              "for {} here, and {} files do not hold it",
                                              source, name, container.name)});
  }
  if (avcodec_find_encoder_by_name(encoding.encoder) == nullptr) {
    return PackTexts({"left out", fmt::format("the sound of {} is left out: {} files do not hold "
                                              "{}, and FFmpeg has no encoder {} here",
                                              source, container.name, name, encoding.encoder)});
  }
  return PackTexts({"carried", fmt::format("the sound of {} is encoded again, from {} to {}: {} "
                                           "files do not hold it as it is",
                                           source, name, encoding.codec, container.name)});
}

void AddAudioHere(const std::string& source, std::string_view texts) {
  CaptureAvLog();
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error, not the end
  const std::vector<std::string> job = UnpackTexts(texts);
  const std::string &output = job.at(0), &silent = job.at(1), &combined = job.at(2);
  const AVOutputFormat& container = FindContainer(output);
  const AudioSpan span{FirstPicture(source) + SecondsOf(job.at(3)), SecondsOf(job.at(4))};
  const auto audio = OpenAudio(source, container, span);
  Metadata metadata;
  for (size_t i = kFirstKey; i + 1 < job.size(); i += 2) metadata[job[i]] = job[i + 1];
  Interleaver(output, container, silent, combined, metadata, *audio).Run();
}

}  // namespace t3
