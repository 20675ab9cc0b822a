// An opened video file and its stream of pictures or sound.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "media/ffmpeg/av.h"

namespace t3 {

// Opens `path` for reading through FFmpeg, as the one file that it is: playlists and other formats
// that name further files are refused, or one named clip.mp4 could bring any file of the machine
// into a dataset. Not movable: FFmpeg holds its address.
class Demuxer {
 public:
  // With the default stream of the kind. Throws Error when it is not a video file or has no stream
  // of the kind.
  explicit Demuxer(const std::string& path, AVMediaType kind = AVMEDIA_TYPE_VIDEO);
  ~Demuxer();
  Demuxer(const Demuxer&) = delete;
  Demuxer& operator=(const Demuxer&) = delete;

  // The next packet of the stream into `packet`; false at the end of the file. Throws Error
  // on broken data.
  bool Read(AVPacket& packet);
  // Seconds at which the latest packet ends that was read so far, of any stream, in the file's own
  // times.
  double last_seconds() const { return last_seconds_; }
  // At which the file says that it ends, where it says so at its beginning: a truncated one still
  // does. Nothing for other formats.
  std::optional<double> end_in_header() const;
  // Goes to `pts` or before, as exactly as the format can; false when it cannot.
  bool Seek(int64_t pts);

  AVFormatContext& format() const { return *format_; }
  AVStream& stream() const { return *stream_; }
  // Empty where the stream has none of the kind.
  std::span<const uint8_t> SideData(AVPacketSideDataType type) const;

 private:
  std::string path_;
  AVFormatContext* format_ = nullptr;
  AVStream* stream_ = nullptr;
  double last_seconds_ = 0;
};

}  // namespace t3
