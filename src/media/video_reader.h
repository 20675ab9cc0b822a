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
  int64_t width = 0;              // of a frame as shown
  int64_t height = 0;             // of a frame as shown
  double pixel_aspect = 1;        // width of a stored pixel in its heights
  double fps = 0;                 // mean rate; 0 when unknown (pictures)
  std::optional<int64_t> frames;  // as far as the file says so
  std::map<std::string, std::string> metadata;
  bool has_audio = false;
  // What reading changes or leaves as it is: "HDR (PQ) is tone mapped", "interlaced", ...
  std::vector<std::string> notes;
};

// Reads frames as they are shown: quarter-turn rotation is applied, pixels are square, the file's
// colour tags are honoured (HDR and wide gamuts become BT.709: hdr_to_sdr.h). Without tags, YUV is
// limited range, BT.709 from 720 rows up and in Y4M, otherwise BT.601, chroma sited left.
// Interlaced video is not treated.
class VideoReader {
 public:
  virtual ~VideoReader() = default;
  // A .y4m file, a folder of PNG files (in order of name) or a file that FFmpeg reads, which is
  // decoded in a child process: whatever is wrong with it becomes an Error. Throws Error.
  static std::unique_ptr<VideoReader> Open(const std::string& path);
  // The same with pixels as stored: frames are info().width as stored, and pixel_aspect says how
  // wide they are to be shown.
  static std::unique_ptr<VideoReader> OpenStored(const std::string& path);
  // As Open, but decoded in this process: for files that this process wrote.
  static std::unique_ptr<VideoReader> OpenOwn(const std::string& path);

  const VideoInfo& info() const { return info_; }
  // The next frame into `rgb`, (3, height, width) contiguous fp32 in [-1, 1]; false at the end.
  // Throws Error on broken data and on a frame of another size.
  virtual bool Read(float* rgb) = 0;

  // When each frame is shown, in seconds from the first, ascending; where the file has no times,
  // frames follow each other at its rate, or at `otherwise_fps` where it has none. The first call
  // reads the whole file without decoding it. Throws Error on broken data.
  virtual std::vector<double> FrameTimes(double otherwise_fps) = 0;
  // The next Read gives frame `index` of FrameTimes(), or where the file lacks that one, the one
  // after it. Decodes from the last key frame before it where the file allows that. Throws Error on
  // broken data; an index past the end shows at Read.
  virtual void SeekTo(int64_t index) = 0;

 protected:
  std::vector<double> EvenTimes(int64_t frames, double otherwise_fps) const;
  VideoInfo info_;
};

}  // namespace t3
