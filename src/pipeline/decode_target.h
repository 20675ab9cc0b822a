// Where decoded frames go: a video file, pictures, a tensor file, or a function of the caller's.
#pragma once

#include <memory>
#include <string>

#include "media/video_writer.h"
#include "pipeline/source_clip.h"
#include "plan/geometry.h"
#include "t3video/request.h"
#include "weights/types.h"

namespace t3 {

// Where frames go: to output.path, or to output.sink.
struct DecodeTarget {
  OutputOptions output;
  VideoGeometry geometry;
  double fps = 16;
  Metadata metadata;
  std::string audio_from = {};  // file whose audio the video carries; empty: none
  // Clip of the generated size whose low frequencies the frames take; nullptr: none.
  std::shared_ptr<const SourceClip> colors = {};
};

// Whether `path` names a safetensors file.
inline bool IsTensorFile(const std::string& path) { return path.ends_with(".safetensors"); }

// Throws Error of kind kUsage for frames per second that are not above 0 and at most 1000.
void CheckFps(double fps);

// Throws what writing would throw for a bad extension, encoder, size or folder; leaves nothing.
// Returns the writer's notes.
std::vector<std::string> CheckDecodeTarget(const DecodeTarget& target);

// What the writer of a decode is opened with.
VideoSettings SettingsOf(const DecodeTarget& target);

// The writer of the target's frames, which is not a tensor file. Throws Error as CheckDecodeTarget
// does.
std::unique_ptr<VideoWriter> OpenWriter(const DecodeTarget& target);

// Where frames wait on disk: beside the output, where there is room for the video; a sink has no
// place of its own.
std::string SpoolFolder(const std::string& output);

}  // namespace t3
