// A file that is put together from packets.
#pragma once

#include <map>
#include <string>

#include "media/ffmpeg/av.h"

namespace t3 {

// The container that the name of `path` means. Throws Error of kind kUsage where there is none.
const AVOutputFormat& FindContainer(const std::string& path);

// Equal packets give equal files. Closed without a trailer when Finish() was not reached.
class Muxer {
 public:
  // Does not open `file` yet.
  Muxer(const std::string& file, const AVOutputFormat& container);
  ~Muxer();
  Muxer(const Muxer&) = delete;
  Muxer& operator=(const Muxer&) = delete;

  // Before Start(); its codecpar and the like are for the caller to set.
  AVStream& AddStream();

  // Each returns FFmpeg's error code, negative on failure.
  int Start(const std::map<std::string, std::string>& metadata);
  // Takes the packet's contents; its times are in `time_base`. Streams may come in any order that
  // keeps each one's own.
  int Write(AVPacket* packet, const AVStream& stream, AVRational time_base);
  int Finish();

 private:
  int WriteError() const { return format_->pb->error; }

  AVFormatContext* format_ = nullptr;
};

}  // namespace t3
