// A video file that is decoded in a child process.
#include <cstring>

#include "media/backends.h"
#include "media/ffmpeg/decode_service.h"
#include "media/ffmpeg/video_info_bytes.h"
#include "media/video_reader.h"

namespace t3 {
namespace {

class IsolatedReader : public VideoReader {
 public:
  explicit IsolatedReader(const std::string& path) : session_(path) {
    session_.Call(DecodeCommand::kOpen);
    info_ = UnpackInfo(session_.Call(DecodeCommand::kInfo));
  }

  bool Read(float* rgb) override {
    if (session_.Call(DecodeCommand::kRead).empty()) return false;
    const size_t bytes = FrameBytes(info_);
    std::memcpy(rgb, session_.shared().Map(bytes), bytes);
    return true;
  }

  std::vector<double> FrameTimes(double otherwise_fps) override {
    const std::string reply = session_.Call(DecodeCommand::kTimes, otherwise_fps);
    std::vector<double> times(reply.size() / sizeof(double));
    std::memcpy(times.data(), reply.data(), times.size() * sizeof(double));
    return times;
  }

  void SeekTo(int64_t index) override {
    session_.Call(DecodeCommand::kSeek, static_cast<double>(index));
  }

 private:
  DecodeSession session_;
};

}  // namespace

std::unique_ptr<VideoReader> OpenIsolatedReader(const std::string& path) {
  return std::make_unique<IsolatedReader>(path);
}

}  // namespace t3
