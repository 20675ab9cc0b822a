// PNG files through libpng.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

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

// Grey and palettes are expanded, alpha is dropped; 16 bits are kept where the file has them and
// `keep_16_bits`, else cut to the upper 8. Throws Error on a broken or truncated file; memory is
// taken only for sizes that a file of that length can hold.
PngPicture ReadPng(const std::string& path, bool keep_16_bits);

// Writes and syncs `path`. `text` goes into tEXt chunks (iTXt where not Latin-1). Throws Error with
// the system's reason; a partial file may then be left.
void WritePng(const std::string& path, const PngPicture& picture);

}  // namespace t3
