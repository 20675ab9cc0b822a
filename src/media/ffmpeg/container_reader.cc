// Demuxing and decoding with FFmpeg.
#include <vector>

#include "base/check.h"
#include "media/backends.h"
#include "media/ffmpeg/av.h"
#include "media/ffmpeg/decoded_frame.h"

namespace t3 {
namespace {

constexpr int64_t kMostPixels = int64_t{1} << 28;

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
    Check(avformat_open_input(&demuxer_.format, ("file:" + path).c_str(), nullptr, nullptr));
    Check(avformat_find_stream_info(demuxer_.format, nullptr));
    const int best = av_find_best_stream(demuxer_.format, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    T3_CHECK(best >= 0, "cannot read {}: it holds no video", path);
    stream_ = demuxer_.format->streams[best];
    OpenDecoder();
    Describe();
  }

  bool Read(float* rgb) override {
    if (!NextFrame()) return false;
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

 private:
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
    decoder_->max_pixels = kMostPixels;
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
    while (true) {
      const int code = avcodec_receive_frame(decoder_.get(), frame_.get());
      if (code == AVERROR_EOF) return false;
      if (code != AVERROR(EAGAIN)) {
        Check(code);
        return true;
      }
      Feed();
    }
  }

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
      Check(sent);
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
  std::vector<float> unturned_;
};

}  // namespace

std::unique_ptr<VideoReader> OpenContainerReader(const std::string& path) {
  return std::make_unique<ContainerReader>(path);
}

}  // namespace t3
