// Opening, reading and seeking with libavformat.
#include "media/ffmpeg/demuxer.h"

#include <algorithm>
#include <new>
#include <string_view>

#include "base/check.h"
#include "media/ffmpeg/decode_process.h"

namespace t3 {
namespace {

// Streams that can be decoded are preferred.
int BestStream(AVFormatContext* format, AVMediaType kind) {
  if (kind == AVMEDIA_TYPE_VIDEO) return av_find_best_stream(format, kind, -1, -1, nullptr, 0);
  const int video = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  const AVCodec* decoder = nullptr;
  const int decodable = av_find_best_stream(format, kind, -1, video, &decoder, 0);
  return decodable >= 0 ? decodable : av_find_best_stream(format, kind, -1, video, nullptr, 0);
}

// FFmpeg's names of the formats that hold a whole video in one file.
constexpr char kFormats[] =
    "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,gif,apng,ivf,obu,av1,h264,hevc,m4v,"
    "mjpeg,mxf,nut,rm,dv,wtv,gxf,yuv4mpegpipe,nsv,vc1,cavsvideo,h263,h261,dirac,roq,"
    "smk,bink,live_flv,mpjpeg,pva,ty,fli";

int OnInput(void*) {
  KeepAlive();
  return 0;  // goes on
}

}  // namespace

Demuxer::Demuxer(const std::string& path, AVMediaType kind) : path_(path) {
  format_ = avformat_alloc_context();
  if (format_ == nullptr) throw std::bad_alloc();
  format_->interrupt_callback.callback = OnInput;
  AVDictionary* options = nullptr;
  av_dict_set(&options, "format_whitelist", kFormats, 0);
  av_dict_set(&options, "protocol_whitelist", "file", 0);
  ClearAvLog();
  // "file:" keeps FFmpeg from taking a colon in the name for a protocol.
  const int code = avformat_open_input(&format_, ("file:" + path).c_str(), nullptr, &options);
  av_dict_free(&options);
  if (code < 0) {  // which has freed format_
    const std::string reason = AvReason(code);
    T3_CHECK(reason.find("whitelist") == std::string::npos,
             "cannot read {}: it is a playlist or a picture, not a file that holds a video", path);
    Fail("cannot read {}: {}", path, reason);
  }
  const int info = avformat_find_stream_info(format_, nullptr);
  const int best = BestStream(format_, kind);
  if (info < 0 || best < 0) {
    const std::string reason =
        info < 0 ? AvReason(info) : fmt::format("it holds no {}", av_get_media_type_string(kind));
    avformat_close_input(&format_);
    Fail("cannot read {}: {}", path, reason);
  }
  stream_ = format_->streams[best];
}

Demuxer::~Demuxer() { avformat_close_input(&format_); }

bool Demuxer::Read(AVPacket& packet) {
  while (true) {
    av_packet_unref(&packet);
    const int code = av_read_frame(format_, &packet);
    if (code == AVERROR_EOF) return false;
    T3_CHECK(code >= 0, "cannot read {}: {}", path_, AvReason(code));
    const int64_t time = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
    if (time != AV_NOPTS_VALUE) {
      const AVStream& stream = *format_->streams[packet.stream_index];
      last_seconds_ =
          std::max(last_seconds_, static_cast<double>(av_sat_add64(time, packet.duration)) *
                                      av_q2d(stream.time_base));
    }
    if (packet.stream_index == stream_->index) return true;
  }
}

std::optional<double> Demuxer::end_in_header() const {
  // MP4 has an index instead, and FFmpeg corrects AVI's duration by the size of the file.
  const bool matroska = std::string_view(format_->iformat->name) == "matroska,webm";
  if (!matroska || format_->duration == AV_NOPTS_VALUE ||
      format_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) {
    return std::nullopt;
  }
  const int64_t start = format_->start_time == AV_NOPTS_VALUE ? 0 : format_->start_time;
  return static_cast<double>(av_sat_add64(start, format_->duration)) / AV_TIME_BASE;
}

bool Demuxer::Seek(int64_t pts) {
  return av_seek_frame(format_, stream_->index, pts, AVSEEK_FLAG_BACKWARD) >= 0;
}

std::span<const uint8_t> Demuxer::SideData(AVPacketSideDataType type) const {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
  const AVPacketSideData* side = av_packet_side_data_get(
      stream_->codecpar->coded_side_data, stream_->codecpar->nb_coded_side_data, type);
  if (side == nullptr) return {};
  return {side->data, side->size};
#else
  size_t size = 0;
  const uint8_t* data = av_stream_get_side_data(stream_, type, &size);
  if (data == nullptr) return {};
  return {data, size};
#endif
}

}  // namespace t3
