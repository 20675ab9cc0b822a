// YUV4MPEG2: a text header, then raw planes.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "base/atomic_file.h"
#include "base/check.h"
#include "media/backends.h"
#include "media/pixel_convert.h"
#include "media/video_settings.h"
#include "media/video_writer.h"
#include "media/y4m_comment.h"

namespace t3 {
namespace {

constexpr const char* kDefaultFormat = "yuv420p";

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// The C tag of a layout: "420mpeg2" (8-bit 4:2:0 sited left), "420p10", "422", ...
std::string ColorTag(const PixelLayout& layout) {
  const int depth = layout.samples[0].depth;
  const std::string_view ratio = layout.log2_chroma_h == 1   ? "420"
                                 : layout.log2_chroma_w == 1 ? "422"
                                                             : "444";
  if (depth > 8) return fmt::format("{}p{}", ratio, depth);
  return fmt::format("{}{}", ratio, ratio == "420" ? "mpeg2" : "");
}

PixelLayout ChooseLayout(const std::string& path, const std::string& pixel_format) {
  const auto layout = PlanarYuvLayout(pixel_format.empty() ? kDefaultFormat : pixel_format);
  if (!layout || !CanPack(*layout)) {
    FailUsage(
        "{}: Y4M cannot hold pixel format '{}'; it can hold yuv420p, yuv422p, yuv444p and "
        "these with p10 or p12",
        path, pixel_format);
  }
  return *layout;
}

class Y4mWriter : public VideoWriter {
 public:
  Y4mWriter(const std::string& path, const VideoSettings& settings)
      : settings_(settings),
        layout_(ChooseLayout(path, settings.pixel_format)),
        threads_(ThreadCount(settings.threads)),
        target_(path),
        file_(std::fopen(target_.temporary().c_str(), "wbe")) {
    T3_CHECK(file_ != nullptr, "cannot write {}: {}", path, std::strerror(errno));
    int64_t size = 0;
    for (int c = 0; c < 3; ++c) {
      size += PlaneSizeOf(layout_, c, settings.width, settings.height).bytes();
    }
    buffer_.resize(static_cast<size_t>(size));
    TakeComment();
    const FrameRate rate = ExactFrameRate(settings.fps);
    // Kept below 96 characters with the newline: FFmpeg reads no longer headers.
    const std::string header =
        fmt::format("YUV4MPEG2 W{} H{} F{}:{} Ip A1:1 C{} XCOLORRANGE=LIMITED\n", settings.width,
                    settings.height, rate.numerator, rate.denominator, ColorTag(layout_));
    Put(header.data(), header.size());
  }

  void Write(const FrameView& frame) override {
    CheckFrame(target_.path(), settings_, frame);
    const Planes planes = PlanesIn(buffer_.data(), layout_, settings_.width, settings_.height);
    PackFrame(frame, layout_, YuvColor{}, planes, threads_);
    WriteSamples({{planes.data[0], planes.data[1], planes.data[2]}, planes.stride});
  }

  std::optional<PlanarFormat> planar() const override {
    return PlanarFormat{settings_.pixel_format.empty() ? kDefaultFormat : settings_.pixel_format,
                        YuvColor{}};
  }

  void WriteSamples(const ConstPlanes& samples) override {
    Put("FRAME\n", 6);
    for (int c = 0; c < 3; ++c) {
      const PlaneSize size = PlaneSizeOf(layout_, c, settings_.width, settings_.height);
      if (samples.stride[c] == size.row_bytes) {
        Put(samples.data[c], static_cast<size_t>(size.bytes()));
        continue;
      }
      for (int64_t y = 0; y < size.rows; ++y)
        Put(samples.data[c] + y * samples.stride[c], static_cast<size_t>(size.row_bytes));
    }
    ++frames_;
  }

  void Finish() override {
    T3_CHECK(frames_ > 0, "cannot finish {}: no frame was written", target_.path());
    Put(comment_.data(), comment_.size());
    T3_CHECK(std::fflush(file_.get()) == 0, "cannot write {}: {}", target_.path(),
             std::strerror(errno));
    target_.Commit();
  }

 private:
  void TakeComment() {
    const auto comment = settings_.metadata.find("comment");
    if (comment == settings_.metadata.end()) return;
    comment_ = std::string(kY4mCommentLine) + comment->second;
    if (comment_.size() < buffer_.size()) return;
    comment_.clear();
    AddNote(
        fmt::format("{} is written without its settings: frames of {} bytes have no place for {} "
                    "bytes of text",
                    target_.path(), buffer_.size(), comment->second.size()));
  }

  void Put(const void* bytes, size_t count) {
    T3_CHECK(std::fwrite(bytes, 1, count, file_.get()) == count, "cannot write {}: {}",
             target_.path(), std::strerror(errno));
  }

  VideoSettings settings_;
  PixelLayout layout_;
  int threads_;
  AtomicFile target_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::string comment_;          // with its line; comes last
  std::vector<uint8_t> buffer_;  // one frame, plane after plane
  int64_t frames_ = 0;
};

}  // namespace

std::unique_ptr<VideoWriter> OpenY4mWriter(const std::string& path, const VideoSettings& settings) {
  CheckNoEncoderOptions(path, settings);
  return std::make_unique<Y4mWriter>(path, settings);
}

}  // namespace t3
