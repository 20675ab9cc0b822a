// Encoding and muxing with FFmpeg.
#include <cstring>
#include <exception>
#include <optional>
#include <string_view>

#include "base/atomic_file.h"
#include "base/check.h"
#include "media/backends.h"
#include "media/ffmpeg/audio_target.h"
#include "media/ffmpeg/av.h"
#include "media/ffmpeg/encoder.h"
#include "media/ffmpeg/isolated_audio.h"
#include "media/ffmpeg/muxer.h"
#include "media/gif_comment.h"
#include "media/palette.h"
#include "media/png_file.h"
#include "media/video_settings.h"
#include "media/video_writer.h"
#include "media/webp_comment.h"

namespace t3 {
namespace {

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
        stream_(muxer_.AddStream()),
        packet_(MakePacket()) {
    ClearAvLog();
    const AVCodecContext& encoder = encoder_.context();
    stream_.time_base = encoder.time_base;
    stream_.avg_frame_rate = encoder.framerate;
    stream_.sample_aspect_ratio = encoder.sample_aspect_ratio;
    CheckWritten(avcodec_parameters_from_context(stream_.codecpar, &encoder));
    CheckWritten(muxer_.Start(settings.metadata));
    PlanAudio();
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

  std::optional<PlanarFormat> planar() const override {
    const AVCodecContext& encoder = encoder_.context();
    const std::string name = av_get_pix_fmt_name(encoder.pix_fmt);
    const auto layout = PlanarYuvLayout(name);
    if (!layout || !CanPack(*layout)) return std::nullopt;
    return PlanarFormat{name, ColorWritten(encoder.codec_id)};
  }

  void WriteSamples(const ConstPlanes& samples) override {
    AvPtr<AVFrame> picture = encoder_.NewPicture();
    for (int c = 0; c < 3; ++c) {
      const PlaneSize size = PlaneSizeOf(*layout_, c, settings_.width, settings_.height);
      for (int64_t y = 0; y < size.rows; ++y) {
        std::memcpy(picture->data[c] + y * picture->linesize[c],
                    samples.data[c] + y * samples.stride[c], static_cast<size_t>(size.row_bytes));
      }
    }
    picture->pts = frames_++;
    Encode(picture.get());
  }

  void Finish() override {
    T3_CHECK(frames_ > 0, "cannot finish {}: no frame was written", target_.path());
    Encode(nullptr);
    CheckWritten(muxer_.Finish());
    AddComment();
    if (!carries_audio_ || !CommitWithAudio()) target_.Commit();
  }

 private:
  // Of pictures, whose files FFmpeg writes without any.
  void AddComment() const {
    const auto comment = settings_.metadata.find("comment");
    if (comment == settings_.metadata.end()) return;
    const std::string_view container = FindContainer(target_.path()).name;
    if (container == "gif") AddGifComment(target_.temporary(), comment->second);
    if (container == "webp") AddWebpComment(target_.temporary(), comment->second);
  }

  void PlanAudio() {
    if (settings_.audio_from.empty() || EncodingFor(FindContainer(target_.path())) == nullptr) {
      return;
    }
    const AudioPlan plan = PlanAudioOf(settings_.audio_from, target_.path());
    if (!plan.note.empty()) AddNote(plan.note);
    carries_audio_ = plan.carried;
  }

  // False, with a note, where the sound cannot be added after all.
  bool CommitWithAudio() {
    const FrameRate rate = ExactFrameRate(settings_.fps);
    const double seconds =
        static_cast<double>(frames_ * rate.denominator) / static_cast<double>(rate.numerator);
    try {
      AtomicFile with_audio(target_.path());
      AddAudio(settings_.audio_from, target_.path(),
               {target_.temporary(), with_audio.temporary(), settings_.audio_start, seconds,
                settings_.metadata});
      with_audio.Commit();
      return true;
    } catch (const std::exception& error) {
      AddNote(fmt::format("the sound of {} is left out: {}", settings_.audio_from, error.what()));
      return false;
    }
  }

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
      CheckWritten(muxer_.Write(packet_.get(), stream_, encoder_.context().time_base));
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
  AVStream& stream_;
  AvPtr<AVPacket> packet_;
  int64_t frames_ = 0;
  int64_t packets_ = 0;
  bool carries_audio_ = false;
};

}  // namespace

std::unique_ptr<VideoWriter> OpenContainerWriter(const std::string& path,
                                                 const VideoSettings& settings) {
  return std::make_unique<ContainerWriter>(path, settings);
}

}  // namespace t3
