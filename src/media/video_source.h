// A video to be changed: its frames in order, at the size and the constant rate that are wanted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "media/cover_resize.h"
#include "media/frame_timing.h"
#include "media/video_reader.h"

namespace t3 {

struct SourceOptions {
  int64_t width = 0;       // pixels of the frames given; 0: as the source is shown
  int64_t height = 0;      // 0 with width 0
  double fps = 0;          // 0: the source's own rate, see FrameTiming
  double start = 0;        // seconds from the first frame
  int64_t max_frames = 0;  // 0: all
};

struct SourceInfo {
  int64_t width = 0;  // of the source as shown: turned, with square pixels; not yet cropped
  int64_t height = 0;
  double fps = 0;      // of the frames given
  int64_t frames = 0;  // how many Next() gives
  bool has_audio = false;
  // What is done to the video or left undone, for the user: tone mapping, crop, variable rate, ...
  std::vector<std::string> notes;
};

// Reads what VideoReader reads and JPEG files (one frame), one frame in memory at a time, 10 bits
// and more without a step through 8. A frame is the source's nearest in time: a variable rate
// becomes constant and stays in step with the sound. Frames are scaled with Lanczos to cover the
// wanted size and cropped at the centre; pixels that are not square are made so in the same step.
//
// Opening reads the whole file once without decoding it, for the count and the times of frames. It
// starts a child process where none is idle, so it is cheaper before networks are loaded.
class VideoSource {
 public:
  // Throws Error that names the file: when it is absent, unreadable, a pipe, holds no video or no
  // frame, is cut short or damaged as far as that shows without decoding; of kind kUsage for
  // options that cannot be met.
  VideoSource(const std::string& path, const SourceOptions& options);

  const SourceInfo& info() const { return info_; }
  // The next frame into `rgb`, (3, height, width) contiguous fp32 in [-1, 1]; false after
  // info().frames. Throws Error that names the file and the time of a frame that cannot be decoded.
  bool Next(float* rgb);
  // Next() then gives frame `index`, 0 <= index <= info().frames.
  void SeekTo(int64_t index);

 private:
  void AddNotes(const SourceOptions& options);
  void Decode(int64_t frame);  // into decoded_

  std::string path_;
  std::unique_ptr<VideoReader> reader_;
  std::vector<double> times_;  // of the source's frames
  FrameTiming timing_;
  SourceInfo info_;
  double start_ = 0;
  std::unique_ptr<CoverResize> resize_;  // null where frames have the size already
  std::vector<float> decoded_;           // frame decoded_index_ as stored
  int64_t decoded_index_ = -1;
  int64_t next_ = 0;
};

}  // namespace t3
