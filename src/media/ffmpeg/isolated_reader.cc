// Decoding video files with FFmpeg in a child process: requests go over a socket, frames through
// shared memory.
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "media/backends.h"
#include "media/ffmpeg/decode_process.h"

namespace t3 {
namespace {

class IsolatedReader : public VideoReader {
 public:
  explicit IsolatedReader(const std::string& path)
      : process_(path, [server = Server(path)](std::string_view request, SharedMemory& shared) {
          return server.Answer(request, shared);
        }) {
    Call(Command::kOpen, 0);
    ReadInfo();
  }

  bool Read(float* rgb) override {
    if (Call(Command::kRead, 0).empty()) return false;
    const size_t bytes = FrameBytes(info_);
    std::memcpy(rgb, process_.shared().Map(bytes), bytes);
    return true;
  }

  std::vector<double> FrameTimes(double otherwise_fps) override {
    const std::string reply = Call(Command::kTimes, otherwise_fps);
    std::vector<double> times(reply.size() / sizeof(double));
    std::memcpy(times.data(), reply.data(), times.size() * sizeof(double));
    return times;
  }

  void SeekTo(int64_t index) override { Call(Command::kSeek, static_cast<double>(index)); }

 private:
  enum class Command : int { kOpen, kInfo, kTimes, kSeek, kRead };
  struct Request {
    Command command;
    double argument;  // exact for indices up to 2^53
  };

  static size_t FrameBytes(const VideoInfo& info) {
    return static_cast<size_t>(3 * info.width * info.height) * sizeof(float);
  }

  // What runs in the child.
  class Server {
   public:
    explicit Server(std::string path) : path_(std::move(path)) {}

    std::string Answer(std::string_view bytes, SharedMemory& shared) const {
      Request request{};
      std::memcpy(&request, bytes.data(), sizeof(request));
      switch (request.command) {
        case Command::kOpen:
          reader_ = OpenContainerReader(path_);
          return "";
        case Command::kInfo:
          return InfoBytes(reader_->info());
        case Command::kTimes:
          return TimesBytes(reader_->FrameTimes(request.argument));
        case Command::kSeek:
          reader_->SeekTo(static_cast<int64_t>(request.argument));
          return "";
        case Command::kRead:
          break;
      }
      auto* rgb = reinterpret_cast<float*>(shared.Map(FrameBytes(reader_->info())));
      return reader_->Read(rgb) ? "a frame" : "";
    }

   private:
    static std::string TimesBytes(const std::vector<double>& times) {
      return {reinterpret_cast<const char*>(times.data()), times.size() * sizeof(double)};
    }
    static std::string InfoBytes(const VideoInfo& info) {
      const Header header{info.width, info.height, info.pixel_aspect, info.fps,
                          info.frames.value_or(-1)};
      std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
      for (const auto& [key, value] : info.metadata) bytes += key + '\0' + value + '\0';
      return bytes;
    }

    std::string path_;
    mutable std::shared_ptr<VideoReader> reader_;
  };

  struct Header {
    int64_t width, height;
    double pixel_aspect, fps;
    int64_t frames;  // -1: not known
  };

  std::string Call(Command command, double argument) {
    const Request request{command, argument};
    return process_.Call({reinterpret_cast<const char*>(&request), sizeof(request)});
  }

  void ReadInfo() {
    const std::string reply = Call(Command::kInfo, 0);
    Header header{};
    std::memcpy(&header, reply.data(), sizeof(header));
    info_.width = header.width;
    info_.height = header.height;
    info_.pixel_aspect = header.pixel_aspect;
    info_.fps = header.fps;
    if (header.frames >= 0) info_.frames = header.frames;
    const char* text = reply.data() + sizeof(header);
    const char* const end = reply.data() + reply.size();
    while (text < end) {
      const std::string key = text;
      text += key.size() + 1;
      info_.metadata[key] = text;
      text += info_.metadata[key].size() + 1;
    }
  }

  DecodeProcess process_;
};

}  // namespace

std::unique_ptr<VideoReader> OpenIsolatedReader(const std::string& path) {
  return std::make_unique<IsolatedReader>(path);
}

}  // namespace t3
