// The memory layout of a picture's samples, and the colours that they represent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace t3 {

// Where one component's samples are: byte `offset + i * step` of a row of plane `plane`, value in
// bits [shift, shift + depth) of one byte (shift + depth <= 8) or of a little-endian 16-bit word.
struct SampleLayout {
  int plane = 0;
  int step = 1;
  int offset = 0;
  int shift = 0;
  int depth = 8;
  int bytes() const { return shift + depth > 8 ? 2 : 1; }
};

// Components are Y, Cb, Cr, or R, G, B, or grey alone. Chroma has one sample for 2^log2_chroma_w x
// 2^log2_chroma_h pixels, rounded up at the right and bottom edge.
struct PixelLayout {
  bool rgb = false;
  bool alpha = false;  // there is a fourth component, which readers ignore
  int components = 3;  // 3, or 1 for grey
  int log2_chroma_w = 0;
  int log2_chroma_h = 0;
  std::array<SampleLayout, 3> samples;

  int64_t ChromaWidth(int64_t width) const { return -((-width) >> log2_chroma_w); }
  int64_t ChromaHeight(int64_t height) const { return -((-height) >> log2_chroma_h); }
};

// Interleaved RGB of 8 or 16 (native little-endian) bits.
PixelLayout PackedRgbLayout(int bits);

// Planar YUV or grey from its FFmpeg name: yuv420p, yuv422p10le, yuv444p12, gray, ...; nothing for
// other names. 8, 10 or 12 bits.
std::optional<PixelLayout> PlanarYuvLayout(std::string_view name);

// Where a chroma sample sits in its group of pixels.
enum class ChromaSite { kLeft, kCenter, kTopLeft };

// Y'CbCr as luma weights of red and blue; the defaults are those of every YUV file written here.
struct YuvColor {
  double kr = 0.2126;  // BT.709
  double kb = 0.0722;
  bool full_range = false;
  ChromaSite site = ChromaSite::kLeft;
};
inline constexpr double kBt601Kr = 0.299, kBt601Kb = 0.114;
inline constexpr double kBt2020Kr = 0.2627, kBt2020Kb = 0.0593;
inline constexpr double kSmpte240Kr = 0.212, kSmpte240Kb = 0.087;

// Code value = offset + scale * x, with x in [0, 1] for luma and RGB, [-0.5, 0.5] for chroma.
struct CodeRange {
  float offset = 0;
  float scale = 0;
  float max = 0;  // largest code value
};
CodeRange LumaRange(int depth, bool full_range);
CodeRange ChromaRange(int depth, bool full_range);

}  // namespace t3
