// RIFF chunks and the one element of XMP that is used.
#include "media/webp_comment.h"

#include <cstdint>
#include <utility>

#include "media/file_patch.h"
#include "media/webp_number.h"

namespace t3 {
namespace {

constexpr std::pair<char, std::string_view> kEntities[] = {
    {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&apos;"}};

constexpr std::string_view kBeforeText =
    "<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>"
    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">"
    "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
    "<rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">"
    "<dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">";
constexpr std::string_view kAfterText =
    "</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
    "<?xpacket end=\"r\"?>";

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    std::string_view written(&c, 1);
    for (const auto& [plain, entity] : kEntities) {
      if (c == plain) written = entity;
    }
    out += written;
  }
  return out;
}

std::string Unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    char c = text.front();
    size_t size = 1;
    for (const auto& [plain, entity] : kEntities) {
      if (text.starts_with(entity)) c = plain, size = entity.size();
    }
    out += c;
    text.remove_prefix(size);
  }
  return out;
}

std::string LittleEndian(uint32_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

constexpr int64_t kFirstChunk = 12, kChunkHeader = 8;
constexpr uint32_t kXmpFlag = 0x04, kAlphaFlag = 0x10;

// The chunk of extended files for a plain picture, whose first chunk begins with `chunk`.
std::string ExtendedHeader(const FilePatch& patch, std::string_view chunk) {
  uint32_t width = 0, height = 0, flags = kXmpFlag;
  if (chunk.starts_with("VP8 ")) {  // a key frame: 3 bytes, a start code, two sizes of 14 bits
    width = WebpNumber(chunk, 14, 2) & 0x3fff, height = WebpNumber(chunk, 16, 2) & 0x3fff;
  } else {  // a signature, then sizes less one of 14 bits and whether there is alpha
    patch.Require(chunk.starts_with("VP8L"), "its first chunk is not a picture");
    const uint32_t bits = WebpNumber(chunk, 9, 4);
    width = (bits & 0x3fff) + 1, height = ((bits >> 14) & 0x3fff) + 1;
    if ((bits >> 28 & 1) != 0) flags |= kAlphaFlag;
  }
  patch.Require(width > 0 && height > 0, "its picture has no size");
  return "VP8X" + LittleEndian(10, 4) + LittleEndian(flags, 4) + LittleEndian(width - 1, 3) +
         LittleEndian(height - 1, 3);
}

}  // namespace

void AddWebpComment(const std::string& path, std::string_view text) {
  FilePatch patch(path);
  constexpr int64_t kLongestHeader = 18;
  patch.Require(patch.size() >= kFirstChunk + kLongestHeader, "it is too short for a WebP file");
  const std::string chunk = patch.Read(kFirstChunk, kLongestHeader);
  if (chunk.starts_with("VP8X")) {
    const uint32_t flags = WebpNumber(chunk, kChunkHeader, 1) | kXmpFlag;
    patch.Write(kFirstChunk + kChunkHeader, LittleEndian(flags, 1));
  } else {
    const std::string picture = patch.Read(kFirstChunk, patch.size() - kFirstChunk);
    patch.Write(kFirstChunk, ExtendedHeader(patch, chunk) + picture);
  }
  std::string xmp(kBeforeText);
  xmp.append(Escaped(text)).append(kAfterText);
  std::string added = "XMP " + LittleEndian(static_cast<uint32_t>(xmp.size()), 4) + xmp;
  if (added.size() % 2 != 0) added += '\0';
  patch.Append(added);
  const int64_t riff = patch.size() - kChunkHeader;
  patch.Require(riff <= int64_t{UINT32_MAX} - 1, "a WebP file cannot be that large");
  patch.Write(4, LittleEndian(static_cast<uint32_t>(riff), 4));
  patch.Close();
}

std::string XmpDescription(std::string_view xmp) {
  const size_t element = xmp.find("<dc:description");
  if (element == std::string_view::npos) return "";
  const size_t item = xmp.find("<rdf:li", element);
  const size_t begin = xmp.find('>', item);
  const size_t end = xmp.find("</rdf:li>", begin);
  if (item == std::string_view::npos || begin == std::string_view::npos ||
      end == std::string_view::npos) {
    return "";
  }
  return Unescaped(xmp.substr(begin + 1, end - begin - 1));
}

}  // namespace t3
