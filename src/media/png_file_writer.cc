// A video of one frame as a PNG file.
#include "base/atomic_file.h"
#include "base/check.h"
#include "media/backends.h"
#include "media/pixel_convert.h"
#include "media/png_file.h"
#include "media/video_settings.h"
#include "media/video_writer.h"

namespace t3 {
namespace {

class PngFileWriter : public VideoWriter {
 public:
  PngFileWriter(const std::string& path, const VideoSettings& settings)
      : settings_(settings), bits_(PngBits(path, settings.pixel_format)), target_(path) {}

  void Write(const FrameView& frame) override {
    CheckFrame(target_.path(), settings_, frame);
    T3_CHECK(frames_++ == 0, "{} holds one frame, and a second one came", target_.path());
    WritePng(target_.temporary(),
             ToPng(frame, bits_, settings_.metadata, ThreadCount(settings_.threads)));
  }

  void Finish() override {
    T3_CHECK(frames_ > 0, "cannot finish {}: no frame was written", target_.path());
    target_.Commit();
  }

 private:
  VideoSettings settings_;
  int bits_;
  AtomicFile target_;
  int64_t frames_ = 0;
};

}  // namespace

std::unique_ptr<VideoWriter> OpenPngWriter(const std::string& path, const VideoSettings& settings) {
  CheckNoEncoderOptions(path, settings);
  if (settings.frames > 1) {
    FailUsage(
        "{}: a PNG file holds one frame, and the video has {}; name a folder ('{}/') for PNG "
        "frames, or a video",
        path, settings.frames, path.substr(0, path.size() - 4));
  }
  return std::make_unique<PngFileWriter>(path, settings);
}

}  // namespace t3
