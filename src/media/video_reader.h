// Frames of a video file or a folder of pictures.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace t3 {

struct VideoInfo {
  int64_t width = 0;              // pixels, after rotation
  int64_t height = 0;             // pixels, after rotation
  double fps = 0;                 // mean rate; 0 when unknown (pictures)
  std::optional<int64_t> frames;  // as far as the file says so
  std::map<std::string, std::string> metadata;
};

// Reads frames in order. The file's colour tags are honoured; without tags, YUV is limited range,
// BT.709 from 720 rows up and in Y4M, else BT.601, chroma sited left. Quarter-turn rotation tags
// are applied. Frames come as decoded: interlaced video is not treated.
class VideoReader {
 public:
  virtual ~VideoReader() = default;
  // A .y4m file, a folder of PNG files (in order of name) or whatever FFmpeg reads. Throws Error.
  static std::unique_ptr<VideoReader> Open(const std::string& path);

  const VideoInfo& info() const { return info_; }
  // The next frame into `rgb`, (3, height, width) contiguous fp32 in [-1, 1]; false at the end.
  // Throws Error on broken data and on a frame of another size.
  virtual bool Read(float* rgb) = 0;

  // When each frame is shown, in seconds from the first, ascending; where the file has no times,
  // frames follow each other at its rate, or at `otherwise_fps` where it has none. Reads the whole
  // file without decoding it. Throws Error on broken data.
  virtual std::vector<double> FrameTimes(double otherwise_fps) = 0;
  // Passes over frames: the next Read gives frame `index` of FrameTimes(), not one before the next
  // anyway. Jumps where the file allows it. Throws Error on broken data; an index past the end
  // shows at Read.
  virtual void SkipTo(int64_t index) = 0;

 protected:
  std::vector<double> EvenTimes(int64_t frames, double otherwise_fps) const;
  VideoInfo info_;
};

}  // namespace t3
