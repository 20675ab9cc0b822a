// PNG files through libpng.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "media/frame.h"

namespace t3 {

// Interleaved RGB.
struct PngPicture {
  int64_t width = 0;
  int64_t height = 0;
  int bits = 8;               // 8, or 16 (native-endian words)
  std::vector<uint8_t> data;  // (height, width, 3) samples of bits / 8 bytes
  std::map<std::string, std::string> text;
};

bool LooksLikePng(const std::string& path);

// Grey and palettes are expanded, alpha is dropped; 16 bits remain where the file has them and
// `keep_16_bits` is set, otherwise the upper 8 are used. Throws Error on a broken or truncated
// file, on HDR and above kMaxPixels; memory is allocated only for sizes that the file can hold.
PngPicture ReadPng(const std::string& path, bool keep_16_bits);

// The frame as interleaved RGB of 8 or 16 bits. `threads` >= 1.
PngPicture ToPng(const FrameView& frame, int bits, const std::map<std::string, std::string>& text,
                 int threads);

// 8 for pixel format rgb24 and none, 16 for rgb48. Throws Error of kind kUsage for others.
int PngBits(const std::string& path, const std::string& pixel_format);

// Writes and syncs `path`. `text` goes into tEXt chunks (iTXt where not Latin-1). Throws Error with
// the system's reason; a partial file may then be left.
void WritePng(const std::string& path, const PngPicture& picture);

}  // namespace t3
