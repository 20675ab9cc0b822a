// An opened video file and its video stream.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "media/ffmpeg/av.h"

namespace t3 {

// Opens `path` for reading through FFmpeg, as the one file that it is: playlists and other formats
// that name further files are refused, or one named clip.mp4 could bring any file of the machine
// into a dataset. Not movable: FFmpeg holds its address.
class Demuxer {
 public:
  // Throws Error when it is not a video file.
  explicit Demuxer(const std::string& path);
  ~Demuxer();
  Demuxer(const Demuxer&) = delete;
  Demuxer& operator=(const Demuxer&) = delete;

  // The next packet of the video stream into `packet`; false at the end of the file. Throws Error
  // on broken data.
  bool Read(AVPacket& packet);
  // Goes to `pts` or before, as exactly as the format can; false when it cannot.
  bool Seek(int64_t pts);

  AVFormatContext& format() { return *format_; }
  AVStream& stream() { return *stream_; }
  // Empty where the stream has none of the kind.
  std::span<const uint8_t> SideData(AVPacketSideDataType type) const;

 private:
  std::string path_;
  AVFormatContext* format_ = nullptr;
  AVStream* stream_ = nullptr;
};

}  // namespace t3
