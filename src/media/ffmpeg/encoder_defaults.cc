// The table. Qualities are meant to be visually lossless; speeds keep up with a decoder at 4K on a
// dozen cores.
#include "media/ffmpeg/encoder_defaults.h"

namespace t3 {

EncoderDefaults DefaultsOf(std::string_view encoder, std::string_view pixel_format) {
  if (encoder == "libx264" || encoder == "libx264rgb") {
    // It begins once it has seen the frames that it looks ahead to: of its own 40, half of a clip
    // of 81 frames would be encoded after the decoder has ended, and nothing overlaps.
    return {"crf", "17", {{"preset", "medium"}, {"rc-lookahead", "10"}}};
  }
  if (encoder == "libx265") {
    return {"crf", "19", {{"preset", "medium"}, {"x265-params", "log-level=error"}}};
  }
  if (encoder == "libsvtav1") return {"crf", "24", {{"preset", "8"}}};
  if (encoder == "libaom-av1") return {"crf", "22", {{"cpu-used", "6"}, {"row-mt", "1"}}};
  if (encoder == "librav1e") return {"qp", "70", {{"speed", "8"}}};
  if (encoder == "libvpx-vp9") {
    return {"crf", "22", {{"deadline", "good"}, {"cpu-used", "4"}, {"row-mt", "1"}}};
  }
  if (encoder.ends_with("_nvenc")) return {"cq", "19", {{"preset", "p5"}, {"rc", "vbr"}}};
  if (encoder.starts_with("prores")) {  // profiles 422 HQ and 4444
    return {"", "", {{"profile", pixel_format.starts_with("yuv444") ? "4" : "3"}}};
  }
  return {};
}

}  // namespace t3
