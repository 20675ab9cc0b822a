// Frames to a video file or a folder of pictures.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "media/frame.h"

namespace t3 {

struct VideoSettings {
  int64_t width = 0;         // pixels
  int64_t height = 0;        // pixels
  double fps = 24;           // 23.976, 29.97, ... become 24000/1001, 30000/1001, ...
  std::string codec;         // an FFmpeg encoder; empty: H.264, in .webm VP9
  std::optional<int> crf;    // constant quality, on the encoder's own scale
  std::string pixel_format;  // FFmpeg's name; empty: 4:2:0 8-bit, or what fits
  std::map<std::string, std::string> metadata;  // kept by all but Y4M, which has no place for it
  int threads = 0;                              // of conversion and encoder; 0: one a core
};

// Takes frames in order. YUV is BT.709, limited range, chroma sited left (as MPEG-2, H.264, HEVC
// assume), and tagged so; values are rounded once, from float to the depth of the file. The file
// appears under its name only when Finish() succeeds; without it, nothing is left behind.
class VideoWriter {
 public:
  virtual ~VideoWriter() = default;
  // Throws Error when the frame has another size, the encoder fails, or the disk is full.
  virtual void Write(const FrameView& frame) = 0;
  // Flushes encoder and file to disk and gives the file its name. Throws Error, also when there
  // was no frame. Call once, last.
  virtual void Finish() = 0;
};

// By the extension of `path`:
//   .mp4 .mkv .mov .webm  any encoder that FFmpeg has and the container takes (builds with FFmpeg);
//   .y4m                  uncompressed; pixel_format yuv420p, yuv422p, yuv444p, also with p10, p12;
//   a folder, or a name that ends in '/': frame_00000.png, ...; pixel_format rgb24 or rgb48. The
//                         frames of an earlier run in it are replaced at Finish().
// Throws Error of kind kUsage for what cannot be made as asked (unknown extension, encoder, pixel
// format, size), of kind kFailed when the place cannot be written.
std::unique_ptr<VideoWriter> OpenVideoWriter(const std::string& path,
                                             const VideoSettings& settings);

// Throws what OpenVideoWriter would throw (the encoder is opened, a temporary file made and
// removed), so that long work need not be lost to a bad option. Leaves nothing behind.
void CheckVideoTarget(const std::string& path, const VideoSettings& settings);

}  // namespace t3
