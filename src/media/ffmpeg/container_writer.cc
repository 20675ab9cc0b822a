// Encoding and muxing with FFmpeg.
#include <cstring>
#include <new>
#include <optional>
#include <string_view>

#include "base/atomic_file.h"
#include "base/check.h"
#include "media/backends.h"
#include "media/ffmpeg/av.h"
#include "media/ffmpeg/encoder.h"
#include "media/palette.h"
#include "media/png_file.h"
#include "media/video_settings.h"
#include "media/video_writer.h"

namespace t3 {
namespace {

const AVOutputFormat& FindContainer(const std::string& path) {
  const AVOutputFormat* container = av_guess_format(nullptr, path.c_str(), nullptr);
  if (container == nullptr) FailUsage("{}: FFmpeg here cannot write this kind of file", path);
  return *container;
}

// The output file: closed without a trailer when Finish() was not reached.
class Muxer {
 public:
  Muxer(const std::string& file, const AVOutputFormat& container) {
    // "file:" keeps FFmpeg from taking a colon in the name for a protocol.
    if (avformat_alloc_output_context2(&format_, &container, nullptr, ("file:" + file).c_str()) <
        0) {
      throw std::bad_alloc();
    }
  }
  ~Muxer() {
    if (format_->pb != nullptr) avio_closep(&format_->pb);
    avformat_free_context(format_);
  }
  Muxer(const Muxer&) = delete;
  Muxer& operator=(const Muxer&) = delete;

  // Each returns FFmpeg's error code, negative on failure.
  int Start(const AVCodecContext& encoder, const std::map<std::string, std::string>& metadata) {
    stream_ = avformat_new_stream(format_, nullptr);
    if (stream_ == nullptr) throw std::bad_alloc();
    stream_->time_base = encoder.time_base;
    stream_->avg_frame_rate = encoder.framerate;
    stream_->sample_aspect_ratio = encoder.sample_aspect_ratio;
    int code = avcodec_parameters_from_context(stream_->codecpar, &encoder);
    if (code < 0) return code;
    for (const auto& [key, value] : metadata) {
      av_dict_set(&format_->metadata, key.c_str(), value.c_str(), 0);
    }
    code = avio_open(&format_->pb, format_->url, AVIO_FLAG_WRITE);
    if (code < 0) return code;
    AVDictionary* options = nullptr;
    const std::string_view name = format_->oformat->name;
    if (name == "mp4" || name == "mov") {
      av_dict_set(&options, "movflags", "+faststart+use_metadata_tags", 0);
    }
    // Matroska's identifiers are otherwise random, and equal runs must give equal files.
    if (name == "matroska" || name == "webm") format_->flags |= AVFMT_FLAG_BITEXACT;
    if (name == "gif" || name == "webp") av_dict_set(&options, "loop", "0", 0);  // for ever
    code = avformat_write_header(format_, &options);
    av_dict_free(&options);
    return code < 0 ? code : WriteError();
  }

  int Write(AVPacket* packet, AVRational time_base) {
    packet->stream_index = stream_->index;
    av_packet_rescale_ts(packet, time_base, stream_->time_base);
    const int code = av_interleaved_write_frame(format_, packet);
    return code < 0 ? code : WriteError();
  }

  int Finish() {
    const int code = av_write_trailer(format_);
    const int error = WriteError();
    const int closed = avio_closep(&format_->pb);
    return code < 0 ? code : error < 0 ? error : closed;
  }

 private:
  int WriteError() const { return format_->pb->error; }

  AVFormatContext* format_ = nullptr;
  AVStream* stream_ = nullptr;
};

class ContainerWriter : public VideoWriter {
 public:
  ContainerWriter(const std::string& path, const VideoSettings& settings)
      : settings_(settings),
        threads_(ThreadCount(settings.threads)),
        target_(path),
        encoder_(OpenEncoder(path, FindContainer(path), settings)),
        is_x265_(std::string_view(encoder_.context().codec->name) == "libx265"),
        layout_(LayoutOf(encoder_.context().pix_fmt)),
        muxer_(target_.temporary(), FindContainer(path)),
        packet_(MakePacket()) {
    ClearAvLog();
    CheckWritten(muxer_.Start(encoder_.context(), settings.metadata));
  }

  void Write(const FrameView& frame) override {
    CheckFrame(target_.path(), settings_, frame);
    AvPtr<AVFrame> picture = encoder_.NewPicture();
    if (layout_) {
      PackFrame(frame, *layout_, ColorWritten(encoder_.context().codec_id),
                PlanesOfFrame(picture.get()), threads_);
    } else {
      FillWithPalette(frame, *picture);
    }
    picture->pts = frames_++;
    Encode(picture.get());
  }

  void Finish() override {
    T3_CHECK(frames_ > 0, "cannot finish {}: no frame was written", target_.path());
    Encode(nullptr);
    CheckWritten(muxer_.Finish());
    target_.Commit();
  }

 private:
  void FillWithPalette(const FrameView& frame, AVFrame& picture) const {
    const PngPicture rgb = ToPng(frame, 8, {}, threads_);
    const PalettePicture palette = ToPalette(rgb.data.data(), rgb.width, rgb.height);
    for (int64_t y = 0; y < rgb.height; ++y) {
      std::memcpy(picture.data[0] + y * picture.linesize[0], &palette.indices[y * rgb.width],
                  static_cast<size_t>(rgb.width));
    }
    std::memcpy(picture.data[1], palette.colours.data(), sizeof(palette.colours));
  }

  void CheckWritten(int code) const {
    T3_CHECK(code >= 0, "cannot write {}: {}", target_.path(), AvReason(code));
  }

  void Encode(const AVFrame* picture) {
    const auto check = [&](int code) {
      T3_CHECK(code >= 0, "{}: the encoder {} failed at frame {}: {}", target_.path(),
               encoder_.context().codec->name, frames_, AvReason(code));
    };
    check(encoder_.Send(picture));
    while (true) {
      const int code = avcodec_receive_packet(encoder_.get(), packet_.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
      check(code);
      RepairOrder(*packet_);
      if (packet_->duration == 0) packet_->duration = 1;  // one frame, else the last has no length
      CheckWritten(muxer_.Write(packet_.get(), encoder_.context().time_base));
    }
  }

  // x265 leaves the decoding time unset in clips shorter than its reordering, which is two frames
  // deep; in longer ones it gives these values itself.
  void RepairOrder(AVPacket& packet) {
    constexpr int64_t kX265Reordering = 2;
    if (is_x265_) packet.dts = packets_ - kX265Reordering;
    ++packets_;
  }

  VideoSettings settings_;
  int threads_;
  AtomicFile target_;
  VideoEncoder encoder_;
  bool is_x265_;
  std::optional<PixelLayout> layout_;  // none: a palette
  Muxer muxer_;
  AvPtr<AVPacket> packet_;
  int64_t frames_ = 0;
  int64_t packets_ = 0;
};

}  // namespace

std::unique_ptr<VideoWriter> OpenContainerWriter(const std::string& path,
                                                 const VideoSettings& settings) {
  return std::make_unique<ContainerWriter>(path, settings);
}

}  // namespace t3
