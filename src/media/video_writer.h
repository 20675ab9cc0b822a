// Frames to a video file or a folder of pictures.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "media/frame.h"
#include "media/planar_format.h"
#include "media/video_settings.h"

namespace t3 {

// Takes frames in order. YUV is BT.709, limited range, chroma sited left (as MPEG-2, H.264, HEVC
// assume), and tagged so, except in WebP, which is BT.601; values are rounded once, from float to
// the depth of the file. The file appears under its name only when Finish() succeeds; without it,
// nothing is left behind.
class VideoWriter {
 public:
  virtual ~VideoWriter() = default;
  // Throws Error when the frame has another size, the encoder fails, or the disk is full.
  virtual void Write(const FrameView& frame) = 0;
  // What WriteSamples takes; nothing where the file does not hold planar YUV.
  virtual std::optional<PlanarFormat> planar() const { return std::nullopt; }
  // A frame that somebody else has made into these samples, as Write would have. Throws as Write.
  virtual void WriteSamples(const ConstPlanes& samples);
  // Flushes encoder and file to disk and gives the file its name. Throws Error, also when there
  // was no frame. Call once, last.
  virtual void Finish() = 0;

  // What differs from what was asked for without being an error: sound that is encoded again or
  // left out, metadata without a place. Known when the file is opened; Finish() may add to it.
  const std::vector<std::string>& notes() const { return notes_; }
  void AddNote(std::string note) { notes_.push_back(std::move(note)); }

 private:
  std::vector<std::string> notes_;
};

// By the extension of `path`:
//   .mp4 .mkv .mov .webm  any encoder that FFmpeg has and the container takes, H.264 or, in .webm,
//                         VP9 by default;
//   .gif .webp            animated pictures: up to 256 colours a frame; WebP with loss, `crf` being
//                         its quality from 0 to 100. These and the containers need FFmpeg;
//   .y4m                  uncompressed; pixel_format yuv420p, yuv422p, yuv444p, also with p10, p12;
//   .png                  one frame; pixel_format rgb24 or rgb48;
//   a folder, or a name that ends in '/': frame_00000.png, ...; pixel_format rgb24 or rgb48. The
//                         frames of an earlier run in it are replaced at Finish().
// Sound (settings.audio_from) goes into .mp4, .mkv, .mov and .webm: the default track, copied where
// the container takes its codec, otherwise encoded again as AAC (.mp4, .mov) or Opus (.mkv, .webm).
// Sound that cannot be carried over is left out, and a note says why: it never costs the video.
// Throws Error of kind kUsage for what cannot be written as asked (unknown extension, encoder,
// pixel format, size, frames), of kind kFailed when the place cannot be written.
std::unique_ptr<VideoWriter> OpenVideoWriter(const std::string& path,
                                             const VideoSettings& settings);

// Throws what OpenVideoWriter would throw (the encoder is opened, a temporary file is created and
// removed), so that no work is lost to a bad option, and returns the writer's notes. Leaves nothing
// behind.
std::vector<std::string> CheckVideoTarget(const std::string& path, const VideoSettings& settings);

}  // namespace t3
