// The table. Qualities are meant to be visually lossless; speeds keep up with the VAE's decoding at
// 4K on a dozen cores.
#include "media/ffmpeg/encoder_defaults.h"

extern "C" {
#include <libavutil/cpu.h>
}

namespace t3 {
namespace {

// The AVX-512 code of x264's macroblock tree (build 164) reads memory that it has not written
// unless a row is a multiple of 8 macroblocks: at 832x480, for one, the same frames give other
// bytes in another run. Without AVX-512 the bytes repeat. At other widths they are the same with
// it.
bool RepeatsOnlyWithoutAvx512(int64_t width) {
  constexpr int64_t kMacroblock = 16, kAtOnce = 8;
  const bool whole = (width + kMacroblock - 1) / kMacroblock % kAtOnce == 0;
  return !whole && (av_get_cpu_flags() & AV_CPU_FLAG_AVX512) != 0;
}

EncoderDefaults X264Defaults(int64_t width) {
  // Encoding starts once the look-ahead is full. With the default of 40 frames, half of a clip of
  // 81 would be encoded only after the decoder had finished.
  EncoderDefaults defaults{"crf", "17", 51, {{"preset", "medium"}, {"rc-lookahead", "10"}}};
  if (RepeatsOnlyWithoutAvx512(width)) {
    // What every CPU with AVX-512 has besides.
    defaults.options.emplace_back("x264-params",
                                  "asm=MMX2,SSE2Fast,SSSE3,SSE4.2,LZCNT,AVX,FMA3,BMI2,AVX2");
  }
  return defaults;
}

}  // namespace

EncoderDefaults DefaultsOf(std::string_view encoder, std::string_view pixel_format, int64_t width) {
  if (encoder == "libx264" || encoder == "libx264rgb") return X264Defaults(width);
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
