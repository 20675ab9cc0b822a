// The table. Qualities are meant to be visually lossless; speeds keep up with the VAE's decoding at
// 4K on a dozen cores.
#include "media/ffmpeg/encoder_defaults.h"

namespace t3 {

EncoderDefaults DefaultsOf(std::string_view encoder, std::string_view pixel_format) {
  if (encoder == "libx264" || encoder == "libx264rgb") {
    // Encoding starts once the look-ahead is full. With the default of 40 frames, half of a clip of
    // 81 would be encoded only after the decoder had finished.
    return {"crf", "17", 51, {{"preset", "medium"}, {"rc-lookahead", "10"}}};
  }
  if (encoder == "libx265") {
    return {"crf", "19", 51, {{"preset", "medium"}, {"x265-params", "log-level=error"}}};
  }
  if (encoder == "libsvtav1") return {"crf", "24", 63, {{"preset", "8"}}};
  if (encoder == "libaom-av1") return {"crf", "22", 63, {{"cpu-used", "6"}, {"row-mt", "1"}}};
  if (encoder == "librav1e") return {"qp", "70", 255, {{"speed", "8"}}};
  if (encoder == "libvpx-vp9") {
    return {"crf", "22", 63, {{"deadline", "good"}, {"cpu-used", "4"}, {"row-mt", "1"}}};
  }
  if (encoder.starts_with("libwebp")) return {"quality", "90", 100, {}};
  if (encoder.ends_with("_nvenc")) return {"cq", "19", 51, {{"preset", "p5"}, {"rc", "vbr"}}};
  if (encoder.starts_with("prores")) {  // profiles 422 HQ and 4444
    return {"", "", 0, {{"profile", pixel_format.starts_with("yuv444") ? "4" : "3"}}};
  }
  return {};
}

}  // namespace t3
