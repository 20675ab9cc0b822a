// Decoding video files with FFmpeg in this process.
#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

extern "C" {
#include <libavutil/dovi_meta.h>
}

#include "base/check.h"
#include "base/lost_pages.h"
#include "base/mapped_file.h"
#include "media/backends.h"
#include "media/ffmpeg/av.h"
#include "media/ffmpeg/decoded_frame.h"
#include "media/ffmpeg/demuxer.h"
#include "media/ffmpeg/frame_index.h"
#include "media/gif_comment.h"
#include "media/image.h"
#include "media/video_reader.h"

namespace t3 {
namespace {

std::vector<std::string> NotesOn(const AVCodecParameters& parameters) {
  std::vector<std::string> notes;
  if (parameters.color_trc == AVCOL_TRC_SMPTE2084) notes.emplace_back("HDR (PQ) is tone mapped");
  if (parameters.color_trc == AVCOL_TRC_ARIB_STD_B67)
    notes.emplace_back("HDR (HLG) is tone mapped");
  if (parameters.field_order != AV_FIELD_UNKNOWN &&
      parameters.field_order != AV_FIELD_PROGRESSIVE) {
    notes.emplace_back("it is interlaced, and its fields are not separated");
  }
  return notes;
}

class ContainerReader : public VideoReader {
 public:
  explicit ContainerReader(const std::string& path) : path_(path) {
    CaptureAvLog();
    Open();
    OpenDecoder();
    Describe();
  }

  bool Read(float* rgb) override {
    if (past_end_ || !NextFrame()) return false;
    ++decoded_;
    last_time_ = TimeOf(*frame_);
    T3_CHECK(frame_->width == coded_width_ && frame_->height == coded_height_,
             "{}: a frame of {}x{} pixels among frames of {}x{}", path_, frame_->width,
             frame_->height, coded_width_, coded_height_);
    try {
      Convert(rgb);
    } catch (const Error& error) {
      Fail("cannot read {}: {}", path_, error.what());
    }
    return true;
  }

  std::vector<double> FrameTimes(double otherwise_fps) override {
    const FrameIndex& index = Index();
    if (!index.has_times) return EvenTimes(std::ssize(index.stamps), otherwise_fps);
    const double unit = av_q2d(demuxer_->stream().time_base);
    std::vector<double> times;
    for (const FrameStamp& stamp : index.stamps) {
      times.push_back(static_cast<double>(stamp.time - index.stamps[0].time) * unit);
    }
    return times;
  }

  void SeekTo(int64_t index) override {
    const std::vector<FrameStamp>& stamps = Index().stamps;
    past_end_ = index >= std::ssize(stamps);
    if (past_end_) return;
    if (index < Next()) Restart();
    if (!index_->by_presentation) return DecodeTo([&] { return decoded_ == index; });
    int64_t key = index;
    while (key > 0 && !stamps[static_cast<size_t>(key)].key) --key;
    const bool jump = key > Next() || (index_->starts_between_keys && Next() == 0);
    if (jump && DecodeFromKey(stamps[static_cast<size_t>(key)].time, TimeAt(index))) return;
    DecodeTo([&] { return TimeOf(*frame_) >= TimeAt(index); });
  }

 private:
  void Open() {
    demuxer_.reset();
    demuxer_ = std::make_unique<Demuxer>(path_);
  }

  void Restart() {
    Open();
    StartDecoding(AV_NOPTS_VALUE);
    decoded_ = 0;
    last_time_ = AV_NOPTS_VALUE;
  }

  void StartDecoding(int64_t key_time) {
    avcodec_flush_buffers(decoder_.get());
    key_time_ = key_time;
    pending_ = false;
    at_end_ = false;
  }

  const FrameIndex& Index() {
    if (!index_) index_ = std::make_unique<const FrameIndex>(ReadFrameIndex(path_));
    return *index_;
  }
  int64_t TimeAt(int64_t index) const { return index_->stamps[static_cast<size_t>(index)].time; }
  static int64_t TimeOf(const AVFrame& frame) {
    return frame.pts != AV_NOPTS_VALUE ? frame.pts : frame.best_effort_timestamp;
  }

  // Index of the frame after the one that was read last.
  int64_t Next() const {
    if (!index_->by_presentation) return decoded_;
    if (last_time_ == AV_NOPTS_VALUE) return 0;
    const auto after =
        std::upper_bound(index_->stamps.begin(), index_->stamps.end(), last_time_,
                         [](int64_t time, const FrameStamp& stamp) { return time < stamp.time; });
    return after - index_->stamps.begin();
  }

  // Decodes up to the frame for which `found` holds, which the next Read returns. At the end of the
  // file, that Read finds nothing.
  template <typename Found>
  void DecodeTo(const Found& found) {
    while (NextFrame()) {
      if (found()) {
        pending_ = true;
        return;
      }
      ++decoded_;
    }
  }

  // Decodes from the key frame at `key_time` to the frame at `time`; false, and back at the start
  // of the file, where that cannot be done: then only decoding everything finds the frame.
  bool DecodeFromKey(int64_t key_time, int64_t time) {
    try {
      GoToKeyPacket(key_time);
      StartDecoding(key_time);
      packet_found_ = true;
      DecodeTo([&] { return TimeOf(*frame_) >= time; });
      if (pending_) return true;
    } catch (const Error&) {
    }
    packet_found_ = false;
    Restart();
    return false;
  }

  // The next packet is then the one of the key frame, in packet_. Formats without an index, such as
  // MPEG-TS, seek to some place near it, so places before it are tried as well, and the start of
  // the file last: even reading all is much faster than decoding.
  void GoToKeyPacket(int64_t key_time) {
    for (const int seconds : {0, 2, 20}) {
      const int64_t margin = av_rescale_q(seconds, {1, 1}, demuxer_->stream().time_base);
      if (demuxer_->Seek(key_time - margin) && FindKeyPacket(key_time)) return;
    }
    Open();
    T3_CHECK(FindKeyPacket(key_time), "{} has lost a key frame of its index", path_);
  }

  // Reads up to the packet of the key frame.
  bool FindKeyPacket(int64_t key_time) {
    while (demuxer_->Read(*packet_)) {
      const bool key = (packet_->flags & AV_PKT_FLAG_KEY) != 0;
      if (key && packet_->pts == key_time) return true;
      // Decoding never comes after showing.
      if (packet_->dts != AV_NOPTS_VALUE && packet_->dts > key_time) return false;
    }
    return false;
  }

  void Check(int code) const { T3_CHECK(code >= 0, "cannot read {}: {}", path_, AvReason(code)); }

  void OpenDecoder() {
    const AVCodecParameters& parameters = *demuxer_->stream().codecpar;
    const char* name = avcodec_get_name(parameters.codec_id);
    const AVCodec* decoder = avcodec_find_decoder(parameters.codec_id);
    T3_CHECK(decoder != nullptr, "cannot read {}: FFmpeg has no decoder for {} here", path_, name);
    decoder_.reset(avcodec_alloc_context3(decoder));
    T3_CHECK(decoder_ != nullptr, "cannot read {}: out of memory", path_);
    Check(avcodec_parameters_to_context(decoder_.get(), &parameters));
    decoder_->pkt_timebase = demuxer_->stream().time_base;
    decoder_->thread_count = 0;
    decoder_->max_pixels = kMaxPixels;
    // Errors show in return codes and in the frames' flags. AV_EF_EXPLODE would make errors of what
    // is none, such as references to frames before the first one of an open GOP; lossless codecs
    // report wrong checksums by it alone.
    const AVCodecDescriptor* codec = avcodec_descriptor_get(parameters.codec_id);
    constexpr int kChecked = AV_CODEC_PROP_INTRA_ONLY | AV_CODEC_PROP_LOSSLESS;
    if (codec != nullptr && (codec->props & kChecked) == kChecked) {
      decoder_->err_recognition = AV_EF_CRCCHECK | AV_EF_EXPLODE;
    }
    Check(avcodec_open2(decoder_.get(), decoder, nullptr));
  }

  void Describe() {
    AVStream& stream = demuxer_->stream();
    coded_width_ = stream.codecpar->width;
    coded_height_ = stream.codecpar->height;
    T3_CHECK(coded_width_ > 0 && coded_height_ > 0, "cannot read {}: its size is not known", path_);
    T3_CHECK(coded_width_ * coded_height_ <= kMaxPixels,
             "cannot read {}: frames of {}x{} pixels; at most {} pixels are read", path_,
             coded_width_, coded_height_, kMaxPixels);
    CheckDolbyVision();
    const auto matrix = demuxer_->SideData(AV_PKT_DATA_DISPLAYMATRIX);
    if (matrix.size() >= 9 * sizeof(int32_t)) {
      orientation_ = OrientationOf(reinterpret_cast<const int32_t*>(matrix.data()));
    }
    info_.width = orientation_.transpose ? coded_height_ : coded_width_;
    info_.height = orientation_.transpose ? coded_width_ : coded_height_;
    const AVRational pixel = av_guess_sample_aspect_ratio(&demuxer_->format(), &stream, nullptr);
    if (pixel.num > 0 && pixel.den > 0) {
      info_.pixel_aspect = orientation_.transpose ? 1 / av_q2d(pixel) : av_q2d(pixel);
    }
    const AVRational rate =
        stream.avg_frame_rate.num > 0 ? stream.avg_frame_rate : stream.r_frame_rate;
    if (rate.num > 0 && rate.den > 0) info_.fps = av_q2d(rate);
    if (stream.nb_frames > 0) info_.frames = stream.nb_frames;
    info_.has_audio = av_find_best_stream(&demuxer_->format(), AVMEDIA_TYPE_AUDIO, -1, stream.index,
                                          nullptr, 0) >= 0;
    info_.notes = NotesOn(*stream.codecpar);
    const AVDictionaryEntry* entry = nullptr;
    const AVDictionary* metadata = demuxer_->format().metadata;
    while ((entry = av_dict_get(metadata, "", entry, AV_DICT_IGNORE_SUFFIX)) != nullptr) {
      info_.metadata[entry->key] = entry->value;
    }
    if (std::string_view(demuxer_->format().iformat->name) == "gif") AddGifMetadata();
  }

  // FFmpeg's versions differ in what they make of comments.
  void AddGifMetadata() {
    const MappedFile file(path_);
    const auto* bytes = reinterpret_cast<const char*>(file.bytes().data());
    const std::string comment = GifComment({bytes, file.bytes().size()});
    CheckMappedFiles();
    if (!comment.empty()) info_.metadata["comment"] = comment;
  }

  // Other profiles hold HDR10, HLG or SDR with additions, and are read as that.
  void CheckDolbyVision() const {
    AVDOVIDecoderConfigurationRecord record{};
    const auto data = demuxer_->SideData(AV_PKT_DATA_DOVI_CONF);
    if (data.size() < sizeof(record)) return;
    std::memcpy(&record, data.data(), sizeof(record));
    T3_CHECK(record.dv_profile != 5,
             "cannot read {}: its colours are those of Dolby Vision profile 5, which no other "
             "decoder shows; convert it to SDR first",
             path_);
  }

  // Decodes into frame_; false at the end of the video.
  bool NextFrame() {
    if (std::exchange(pending_, false)) return true;
    while (!at_end_) {
      const int code = avcodec_receive_frame(decoder_.get(), frame_.get());
      at_end_ = code == AVERROR_EOF;
      if (at_end_) break;
      if (code == AVERROR(EAGAIN) || (code < 0 && BeforeKeyFrame())) {
        Feed();
        continue;
      }
      Check(code);
      if (BeforeKeyFrame()) {
        if (TimeOf(*frame_) < key_time_) continue;
        key_time_ = AV_NOPTS_VALUE;
      }
      T3_CHECK(frame_->decode_error_flags == 0 && (frame_->flags & AV_FRAME_FLAG_CORRUPT) == 0,
               "{} is damaged: its frame at {:.2f} s cannot be decoded whole", path_,
               static_cast<double>(TimeOf(*frame_)) * av_q2d(demuxer_->stream().time_base));
      return true;
    }
    return false;
  }

  // After a jump into an open GOP, the frames that are shown before its key frame depend on frames
  // before the jump. They cannot be decoded, which is not an error.
  bool BeforeKeyFrame() const { return key_time_ != AV_NOPTS_VALUE; }

  void Feed() {
    if (!std::exchange(packet_found_, false) && !demuxer_->Read(*packet_)) {
      Check(avcodec_send_packet(decoder_.get(), nullptr));
      return;
    }
    if (packet_->size == 0) return;  // a dropped frame; to the decoder it would mean the end
    const bool corrupt = (packet_->flags & AV_PKT_FLAG_CORRUPT) != 0;
    const int sent = avcodec_send_packet(decoder_.get(), packet_.get());
    if (BeforeKeyFrame()) return;
    Check(sent);
    T3_CHECK(!corrupt, "{} is cut short or damaged: FFmpeg finds a broken packet in it", path_);
  }

  void Convert(float* rgb) {
    YuvColor untagged;
    constexpr int kFirstHdHeight = 720;
    if (frame_->height < kFirstHdHeight) untagged.kr = kBt601Kr, untagged.kb = kBt601Kb;
    if (orientation_.upright()) {
      FrameToRgb(*frame_, untagged, rgb, ThreadCount(0));
      return;
    }
    const int64_t pixels = coded_width_ * coded_height_;
    unturned_.resize(static_cast<size_t>(3 * pixels));
    FrameToRgb(*frame_, untagged, unturned_.data(), ThreadCount(0));
    for (int64_t plane = 0; plane < 3; ++plane) {
      Turn(unturned_.data() + plane * pixels, coded_width_, coded_height_, 1, orientation_,
           rgb + plane * pixels);
    }
  }

  std::string path_;
  std::unique_ptr<Demuxer> demuxer_;
  AvPtr<AVCodecContext> decoder_;
  AvPtr<AVPacket> packet_ = MakePacket();
  AvPtr<AVFrame> frame_ = MakeFrame();
  Orientation orientation_;
  int64_t coded_width_ = 0, coded_height_ = 0;
  std::unique_ptr<const FrameIndex> index_;  // null until it is needed
  int64_t decoded_ = 0;                      // frames returned or skipped since the start
  int64_t last_time_ = AV_NOPTS_VALUE;       // of the frame that was read last
  int64_t key_time_ = AV_NOPTS_VALUE;        // after a jump, until its key frame has come
  bool packet_found_ = false;                // packet_ holds the next packet already
  bool pending_ = false;                     // frame_ holds the next frame already
  bool at_end_ = false;                      // of decoding
  bool past_end_ = false;                    // an index beyond the last frame was asked for
  std::vector<float> unturned_;
};

}  // namespace

std::unique_ptr<VideoReader> OpenContainerReader(const std::string& path) {
  return std::make_unique<ContainerReader>(path);
}

}  // namespace t3
