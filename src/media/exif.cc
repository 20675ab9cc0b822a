// From an image file to its EXIF, and from EXIF (a TIFF header with tags) to one tag.
#include "media/exif.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace t3 {
namespace {

constexpr std::string_view kExifPrefix("Exif\0\0", 6);
constexpr int kUpright = 1;

// A number of `bytes` bytes at `position`; 0 beyond the end, which is not a valid value of any
// field read here.
uint32_t NumberAt(std::string_view text, size_t position, int bytes, bool big_endian) {
  if (position > text.size() || text.size() - position < static_cast<size_t>(bytes)) return 0;
  uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) {
    const int place = big_endian ? bytes - 1 - i : i;
    value |= uint32_t{static_cast<unsigned char>(text[position + i])} << (8 * place);
  }
  return value;
}

// Tag 0x0112 of the first directory.
int OrientationTag(std::string_view tiff) {
  if (tiff.starts_with(kExifPrefix)) tiff.remove_prefix(kExifPrefix.size());  // some writers' habit
  const bool big = tiff.starts_with("MM");
  if (!big && !tiff.starts_with("II")) return kUpright;
  constexpr uint32_t kOrientation = 0x0112, kLong = 4;
  constexpr size_t kEntryBytes = 12;
  const size_t directory = NumberAt(tiff, 4, 4, big);
  const uint32_t entries = NumberAt(tiff, directory, 2, big);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + i * kEntryBytes;
    if (NumberAt(tiff, entry, 2, big) != kOrientation) continue;
    const bool is_long = NumberAt(tiff, entry + 2, 2, big) == kLong;
    return static_cast<int>(NumberAt(tiff, entry + 8, is_long ? 4 : 2, big));
  }
  return kUpright;
}

std::string_view ExifOfJpeg(std::string_view file) {
  size_t position = 2;
  while (position + 4 <= file.size() && file[position] == '\xff') {
    if (file[position + 1] == '\xff') {  // a fill byte
      ++position;
      continue;
    }
    if (file[position + 1] == '\xda') break;  // the scan: no more headers
    const size_t size = NumberAt(file, position + 2, 2, /*big_endian=*/true);
    const std::string_view segment = file.substr(position + 4, std::max<size_t>(size, 2) - 2);
    if (file[position + 1] == '\xe1' && segment.starts_with(kExifPrefix)) return segment;
    position += 2 + size;
  }
  return {};
}

std::string_view ExifOfPng(std::string_view file) {
  constexpr size_t kSignature = 8, kAroundData = 12;  // length and name before, checksum after
  for (size_t position = kSignature; position + kAroundData <= file.size();) {
    const size_t size = NumberAt(file, position, 4, /*big_endian=*/true);
    if (file.substr(position + 4, 4) == "eXIf") return file.substr(position + 8, size);
    position += kAroundData + size;
  }
  return {};
}

std::string_view ExifOfWebp(std::string_view file) {
  constexpr size_t kFirstChunk = 12;
  for (size_t position = kFirstChunk; position + 8 <= file.size();) {
    const size_t size = NumberAt(file, position + 4, 4, /*big_endian=*/false);
    if (file.substr(position, 4) == "EXIF") return file.substr(position + 8, size);
    position += 8 + size + size % 2;
  }
  return {};
}

}  // namespace

Orientation OrientationOfExif(int value) {
  switch (value) {
    case 2:
      return {false, true, false};
    case 3:
      return {false, true, true};
    case 4:
      return {false, false, true};
    case 5:
      return {true, false, false};
    case 6:
      return {true, true, false};  // a quarter turn clockwise shows it upright
    case 7:
      return {true, true, true};
    case 8:
      return {true, false, true};
    default:
      return {};
  }
}

Orientation ExifOrientation(std::span<const std::byte> bytes) {
  const std::string_view file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::string_view exif;
  if (file.starts_with("\xff\xd8")) exif = ExifOfJpeg(file);
  if (file.starts_with("\x89PNG")) exif = ExifOfPng(file);
  if (file.starts_with("RIFF")) exif = ExifOfWebp(file);
  return OrientationOfExif(OrientationTag(exif));
}

Orientation RawProfileOrientation(std::string_view text) {
  // A newline, the name, a newline, the size, a newline, then hexadecimal digits in lines.
  size_t position = 0;
  for (int line = 0; line < 3; ++line) {
    position = text.find('\n', position);
    if (position == std::string_view::npos) return {};
    ++position;
  }
  std::string bytes;
  int digits = 0, value = 0;
  for (const char c : text.substr(position)) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) continue;
    value = value * 16 + digit;
    if (++digits % 2 == 0) bytes += static_cast<char>(std::exchange(value, 0));
  }
  return OrientationOfExif(OrientationTag(bytes));
}

}  // namespace t3
