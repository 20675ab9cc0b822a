// Which frames a video file holds, from its packets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media/ffmpeg/demuxer.h"

namespace t3 {

struct FrameStamp {
  int64_t time = 0;  // in the stream's time base
  bool key = false;  // decoding can begin here
};

struct FrameIndex {
  std::vector<FrameStamp> stamps;  // in the order in which frames are shown
  // Stamps are presentation times: a decoded frame can be recognised by its own. Otherwise (AVI
  // without them, raw streams) they only say when the first, second, ... decoded frame is shown.
  bool by_presentation = false;
  // Frames have times at all.
  bool has_times = false;
  // The file was cut out of a longer stream: it begins with frames that depend on ones before it.
  // The index begins with the first key frame, and decoding has to.
  bool starts_between_keys = false;
};

// Reads the whole file without decoding it. Throws Error on broken data and on a file that is cut
// short.
FrameIndex ReadFrameIndex(const std::string& path);

}  // namespace t3
