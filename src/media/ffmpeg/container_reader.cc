// Demuxing and decoding with FFmpeg.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "media/backends.h"
#include "media/ffmpeg/av.h"
#include "media/ffmpeg/decoded_frame.h"

namespace t3 {
namespace {

constexpr int64_t kMaxPixels = int64_t{1} << 28;

struct Demuxer {
  AVFormatContext* format = nullptr;
  Demuxer() = default;
  ~Demuxer() { avformat_close_input(&format); }
  Demuxer(const Demuxer&) = delete;
  Demuxer& operator=(const Demuxer&) = delete;
};

Orientation StreamOrientation(const AVStream& stream) {
  const uint8_t* data = nullptr;
  size_t size = 0;
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
  const AVPacketSideData* side =
      av_packet_side_data_get(stream.codecpar->coded_side_data, stream.codecpar->nb_coded_side_data,
                              AV_PKT_DATA_DISPLAYMATRIX);
  if (side != nullptr) data = side->data, size = side->size;
#else
  data = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
#endif
  if (data == nullptr || size < 9 * sizeof(int32_t)) return {};
  return OrientationOf(reinterpret_cast<const int32_t*>(data));
}

class ContainerReader : public VideoReader {
 public:
  explicit ContainerReader(const std::string& path) : path_(path) {
    CaptureAvLog();
    ClearAvLog();
    stream_ = OpenStream(demuxer_);
    OpenDecoder();
    Describe();
  }

  bool Read(float* rgb) override {
    if (!NextFrame()) return false;
    ++next_;
    T3_CHECK(frame_->width == coded_width_ && frame_->height == coded_height_,
             "{}: a frame of {}x{} pixels among frames of {}x{}", path_, frame_->width,
             frame_->height, coded_width_, coded_height_);
    YuvColor untagged;
    constexpr int kFirstHdHeight = 720;
    if (frame_->height < kFirstHdHeight) untagged.kr = kBt601Kr, untagged.kb = kBt601Kb;
    if (orientation_.upright()) {
      FrameToRgb(*frame_, untagged, rgb, ThreadCount(0));
    } else {
      unturned_.resize(3 * coded_width_ * coded_height_);
      FrameToRgb(*frame_, untagged, unturned_.data(), ThreadCount(0));
      Turn(unturned_.data(), coded_width_, coded_height_, orientation_, rgb);
    }
    return true;
  }

  std::vector<double> FrameTimes(double otherwise_fps) override {
    ScanPackets();
    if (!has_times_) return EvenTimes(std::ssize(stamps_), otherwise_fps);
    std::vector<double> times;
    for (const Stamp& stamp : stamps_) {
      times.push_back(static_cast<double>(stamp.pts - stamps_[0].pts) * av_q2d(stream_->time_base));
    }
    return times;
  }

  void SkipTo(int64_t index) override {
    ScanPackets();
    index = std::min(index, static_cast<int64_t>(std::ssize(stamps_)));
    if (has_times_ && index < std::ssize(stamps_)) JumpNear(index);
    while (next_ < index && NextFrame()) ++next_;
  }

 private:
  // What the file says of a frame, in the order in which frames are shown.
  struct Stamp {
    int64_t pts = 0;
    bool key = false;
  };

  AVStream* OpenStream(Demuxer& demuxer) const {
    Check(avformat_open_input(&demuxer.format, ("file:" + path_).c_str(), nullptr, nullptr));
    Check(avformat_find_stream_info(demuxer.format, nullptr));
    const int best = av_find_best_stream(demuxer.format, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    T3_CHECK(best >= 0, "cannot read {}: it holds no video", path_);
    return demuxer.format->streams[best];
  }

  // Fills stamps_ through a demuxer of its own, which leaves reading where it is.
  void ScanPackets() {
    if (!stamps_.empty()) return;
    Demuxer scan;
    const AVStream* stream = OpenStream(scan);
    int code = 0;
    int64_t packets = 0;
    while ((code = av_read_frame(scan.format, packet_.get())) >= 0) {
      const bool shown = (packet_->flags & AV_PKT_FLAG_DISCARD) == 0;
      if (packet_->stream_index == stream->index) ++packets;
      if (packet_->stream_index == stream->index && shown) {
        has_times_ = has_times_ && packet_->pts != AV_NOPTS_VALUE;
        stamps_.push_back({packet_->pts, (packet_->flags & AV_PKT_FLAG_KEY) != 0});
      }
      av_packet_unref(packet_.get());
    }
    if (code != AVERROR_EOF) Check(code);
    T3_CHECK(packets >= stream->nb_frames, "{} is cut short: {} of its {} frames are there", path_,
             packets, stream->nb_frames);
    const auto earlier = [](const Stamp& a, const Stamp& b) { return a.pts < b.pts; };
    const auto same = [](const Stamp& a, const Stamp& b) { return a.pts == b.pts; };
    if (has_times_) std::sort(stamps_.begin(), stamps_.end(), earlier);
    if (std::adjacent_find(stamps_.begin(), stamps_.end(), same) != stamps_.end()) {
      has_times_ = false;
    }
  }

  // Goes to the last key frame up to `index` when it lies ahead of the next frame, and decodes up
  // to `index` from there.
  void JumpNear(int64_t index) {
    int64_t key = index;
    while (key > next_ && !stamps_[static_cast<size_t>(key)].key) --key;
    if (key <= next_) return;
    Check(av_seek_frame(demuxer_.format, stream_->index, stamps_[static_cast<size_t>(key)].pts,
                        AVSEEK_FLAG_BACKWARD));
    avcodec_flush_buffers(decoder_.get());
    first_wanted_ = stamps_[static_cast<size_t>(index)].pts;
    T3_CHECK(NextFrame() && frame_->best_effort_timestamp == first_wanted_,
             "{} is broken: frame {} of its index is not in it", path_, index);
    pending_ = true;
    next_ = index;
    first_wanted_ = AV_NOPTS_VALUE;
  }

  void Check(int code) const { T3_CHECK(code >= 0, "cannot read {}: {}", path_, AvReason(code)); }

  void OpenDecoder() {
    const AVCodec* decoder = avcodec_find_decoder(stream_->codecpar->codec_id);
    T3_CHECK(decoder != nullptr, "cannot read {}: FFmpeg has no decoder for {} here", path_,
             avcodec_get_name(stream_->codecpar->codec_id));
    decoder_.reset(avcodec_alloc_context3(decoder));
    T3_CHECK(decoder_ != nullptr, "cannot read {}: out of memory", path_);
    Check(avcodec_parameters_to_context(decoder_.get(), stream_->codecpar));
    decoder_->pkt_timebase = stream_->time_base;
    decoder_->thread_count = 0;
    decoder_->max_pixels = kMaxPixels;
    decoder_->err_recognition = AV_EF_EXPLODE;
    Check(avcodec_open2(decoder_.get(), decoder, nullptr));
  }

  void Describe() {
    coded_width_ = stream_->codecpar->width;
    coded_height_ = stream_->codecpar->height;
    T3_CHECK(coded_width_ > 0 && coded_height_ > 0, "cannot read {}: its size is not known", path_);
    orientation_ = StreamOrientation(*stream_);
    info_.width = orientation_.transpose ? coded_height_ : coded_width_;
    info_.height = orientation_.transpose ? coded_width_ : coded_height_;
    const AVRational rate =
        stream_->avg_frame_rate.num > 0 ? stream_->avg_frame_rate : stream_->r_frame_rate;
    if (rate.num > 0 && rate.den > 0) info_.fps = av_q2d(rate);
    if (stream_->nb_frames > 0) info_.frames = stream_->nb_frames;
    const AVDictionaryEntry* entry = nullptr;
    while ((entry = av_dict_get(demuxer_.format->metadata, "", entry, AV_DICT_IGNORE_SUFFIX))) {
      info_.metadata[entry->key] = entry->value;
    }
  }

  // Decodes into frame_; false at the end of the video.
  bool NextFrame() {
    if (std::exchange(pending_, false)) return true;
    while (true) {
      const int code = avcodec_receive_frame(decoder_.get(), frame_.get());
      if (code == AVERROR_EOF) return false;
      if (code == AVERROR(EAGAIN) || (code < 0 && Jumping())) {
        Feed();
        continue;
      }
      Check(code);
      if (!Jumping() || frame_->best_effort_timestamp >= first_wanted_) return true;
    }
  }

  // After a jump, frames before the wanted one are passed over; those that lean on frames before
  // the key frame cannot be decoded, which is no fault.
  bool Jumping() const { return first_wanted_ != AV_NOPTS_VALUE; }

  void Feed() {
    while (true) {
      const int code = av_read_frame(demuxer_.format, packet_.get());
      if (code == AVERROR_EOF) {
        Check(avcodec_send_packet(decoder_.get(), nullptr));
        return;
      }
      Check(code);
      const bool video = packet_->stream_index == stream_->index;
      const int sent = video ? avcodec_send_packet(decoder_.get(), packet_.get()) : 0;
      av_packet_unref(packet_.get());
      if (!Jumping()) Check(sent);
      if (video) return;
    }
  }

  std::string path_;
  Demuxer demuxer_;
  AVStream* stream_ = nullptr;
  AvPtr<AVCodecContext> decoder_;
  AvPtr<AVPacket> packet_ = MakePacket();
  AvPtr<AVFrame> frame_ = MakeFrame();
  Orientation orientation_;
  int64_t coded_width_ = 0, coded_height_ = 0;
  std::vector<Stamp> stamps_;  // empty until ScanPackets
  bool has_times_ = true;
  int64_t next_ = 0;  // index of the frame that comes next
  int64_t first_wanted_ = AV_NOPTS_VALUE;
  bool pending_ = false;  // frame_ holds the next frame already
  std::vector<float> unturned_;
};

}  // namespace

std::unique_ptr<VideoReader> OpenContainerReader(const std::string& path) {
  return std::make_unique<ContainerReader>(path);
}

}  // namespace t3
