// What the child does, and the process that waits for the next file.
#include "media/ffmpeg/decode_service.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "media/backends.h"
#include "media/ffmpeg/audio_mux.h"
#include "media/ffmpeg/image_decoder.h"
#include "media/ffmpeg/video_info_bytes.h"
#include "media/image.h"
#include "media/video_reader.h"

namespace t3 {
namespace {

struct Request {
  DecodeCommand command;
  double argument;  // exact for indices up to 2^53
  size_t path_size;
};

// In the child.
class Server {
 public:
  std::string Answer(std::string_view bytes, SharedMemory& shared) {
    Request request{};
    std::memcpy(&request, bytes.data(), sizeof(request));
    const std::string path(bytes.substr(sizeof(request), request.path_size));
    const std::string_view data = bytes.substr(sizeof(request) + request.path_size);
    switch (request.command) {
      case DecodeCommand::kOpen:
        reader_ = OpenContainerReader(path);
        return "";
      case DecodeCommand::kInfo:
        return PackInfo(reader_->info());
      case DecodeCommand::kTimes:
        return Times(request.argument);
      case DecodeCommand::kSeek:
        reader_->SeekTo(static_cast<int64_t>(request.argument));
        return "";
      case DecodeCommand::kRead:
        return Read(shared);
      case DecodeCommand::kPlanAudio:
        return PlanAudioHere(path, std::string(data));
      case DecodeCommand::kAddAudio:
        AddAudioHere(path, data);
        return "";
      case DecodeCommand::kImage:
        return DecodeImage(path, data, shared);
      case DecodeCommand::kClose:
        break;
    }
    reader_.reset();
    return "";
  }

 private:
  std::string Times(double otherwise_fps) {
    const std::vector<double> times = reader_->FrameTimes(otherwise_fps);
    return {reinterpret_cast<const char*>(times.data()), times.size() * sizeof(double)};
  }
  std::string Read(SharedMemory& shared) {
    auto* rgb = reinterpret_cast<float*>(shared.Map(FrameBytes(reader_->info())));
    return reader_->Read(rgb) ? "a frame" : "";
  }
  static std::string DecodeImage(const std::string& path, std::string_view file,
                                 SharedMemory& shared) {
    std::vector<uint8_t> alpha;
    const Image image = DecodeImageHere(path, std::as_bytes(std::span(file)), alpha);
    std::byte* to = shared.Map(image.rgb.size() + alpha.size());
    std::copy_n(reinterpret_cast<const std::byte*>(image.rgb.data()), image.rgb.size(), to);
    std::copy_n(reinterpret_cast<const std::byte*>(alpha.data()), alpha.size(),
                to + image.rgb.size());
    const int64_t size[3] = {image.width, image.height, alpha.empty() ? 0 : 1};
    return {reinterpret_cast<const char*>(size), sizeof(size)};
  }

  std::unique_ptr<VideoReader> reader_;
};

std::unique_ptr<DecodeProcess> Start() {
  const auto server = std::make_shared<Server>();
  return std::make_unique<DecodeProcess>([server](std::string_view request, SharedMemory& shared) {
    return server->Answer(request, shared);
  });
}

// One process, which waits between files. More are started where several files are open at once.
struct Idle {
  std::mutex mutex;
  std::unique_ptr<DecodeProcess> process;
};
Idle& TheIdle() {
  static Idle idle;
  return idle;
}

}  // namespace

DecodeSession::DecodeSession(std::string path) : path_(std::move(path)) {
  {
    const std::lock_guard lock(TheIdle().mutex);
    process_ = std::move(TheIdle().process);
  }
  // It may have been killed while it waited.
  if (!process_ || !process_->Alive()) process_ = Start();
}

DecodeSession::~DecodeSession() {
  try {
    if (process_->Alive()) Call(DecodeCommand::kClose);
  } catch (const std::exception&) {
  }
  if (!process_->Alive()) return;
  const std::lock_guard lock(TheIdle().mutex);
  if (!TheIdle().process) TheIdle().process = std::move(process_);
}

std::string DecodeSession::Call(DecodeCommand command, double argument, std::string_view data) {
  const Request request{command, argument, path_.size()};
  std::string bytes(reinterpret_cast<const char*>(&request), sizeof(request));
  return process_->Call(path_, bytes.append(path_).append(data));
}

}  // namespace t3
