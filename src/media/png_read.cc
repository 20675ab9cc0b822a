// Reading PNG. libpng reports errors by longjmp, so every function that it can leave that way holds
// plain data only; objects with destructors live in the caller.
#include <png.h>

#include <csetjmp>
#include <cstring>
#include <span>
#include <string_view>

#include "base/check.h"
#include "base/mapped_file.h"
#include "media/image.h"
#include "media/png_file.h"

namespace t3 {
namespace {

constexpr size_t kSignatureBytes = 8;
constexpr png_uint_32 kMaxPngSide = 65535;
// Deflate makes at most 1,032 bytes of one, so a short file cannot hold a large picture.
constexpr uint64_t kMaxExpansion = 1032;

struct Source {
  const std::byte* data;
  size_t left;
  char message[256];
};

void OnError(png_structp png, png_const_charp message) {
  auto* source = static_cast<Source*>(png_get_error_ptr(png));
  std::strncpy(source->message, message, sizeof(source->message) - 1);
  png_longjmp(png, 1);
}
void OnWarning(png_structp, png_const_charp) {}

void ReadBytes(png_structp png, png_bytep out, size_t count) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (count > source->left) png_error(png, "the file is cut short");
  std::memcpy(out, source->data, count);
  source->data += count;
  source->left -= count;
}

// The handles, freed at scope end.
struct Reader {
  explicit Reader(Source* source)
      : png(png_create_read_struct(PNG_LIBPNG_VER_STRING, source, OnError, OnWarning)),
        info(png != nullptr ? png_create_info_struct(png) : nullptr) {
    T3_CHECK(info != nullptr, "libpng: out of memory");
    png_set_read_fn(png, source, ReadBytes);
    png_set_user_limits(png, kMaxPngSide, kMaxPngSide);
  }
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  png_structp png;
  png_infop info;
};

// Each step is false when libpng gave up; the reason is in Source::message.
bool ReadHeader(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_read_info(reader.png, reader.info);
  return true;
}

bool SetUpRgb(Reader& reader, bool keep_16_bits) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_structp png = reader.png;
  png_set_expand(png);  // palettes, grey below 8 bits, transparency
  png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
  if (keep_16_bits) {
    png_set_swap(png);  // PNG is big-endian, the supported machines are not
  } else {
    png_set_strip_16(png);
  }
  png_set_interlace_handling(png);
  png_read_update_info(png, reader.info);
  return true;
}

bool ReadRows(Reader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_read_image(reader.png, rows);
  png_read_end(reader.png, reader.info);
  return true;
}

// Before memory is allocated: the claimed size must fit the file, and be one that is read at all,
// since a row of one colour compresses a thousandfold and one bit becomes three bytes.
void CheckSize(const Reader& reader, const std::string& path, size_t file_bytes) {
  const uint64_t row_bytes = png_get_rowbytes(reader.png, reader.info);
  const uint64_t width = png_get_image_width(reader.png, reader.info);
  const uint64_t height = png_get_image_height(reader.png, reader.info);
  T3_CHECK(row_bytes * height <= file_bytes * kMaxExpansion,
           "{}: broken PNG: {} bytes cannot hold the {}x{} pixels that its header claims", path,
           file_bytes, width, height);
  T3_CHECK(width * height <= static_cast<uint64_t>(kMaxPixels),
           "{}: a picture of {}x{} pixels; at most {} pixels are read", path, width, height,
           kMaxPixels);
}

// Chunk cICP names colours as H.273 does: 9 is BT.2020, 16 PQ, 18 HLG. Libraries before 2024 pass
// over it, and codes of HDR read as sRGB look washed out.
void CheckNotHdr(std::string_view file, const std::string& path) {
  const size_t found = file.substr(0, file.find("IDAT")).find("cICP");
  if (found == std::string_view::npos || found + 6 > file.size()) return;
  const int primaries = static_cast<unsigned char>(file[found + 4]);
  const int transfer = static_cast<unsigned char>(file[found + 5]);
  T3_CHECK(transfer != 16 && transfer != 18 && primaries != 9,
           "{}: an HDR picture (cICP: primaries {}, transfer {}); convert it to sRGB first", path,
           primaries, transfer);
}

void ReadTexts(const Reader& reader, PngPicture& picture) {
  png_textp texts = nullptr;
  const int count = png_get_text(reader.png, reader.info, &texts, nullptr);
  for (int i = 0; i < count; ++i) {
    if (texts[i].text != nullptr) picture.text[texts[i].key] = texts[i].text;
  }
}

}  // namespace

bool LooksLikePng(const std::string& path) {
  const MappedFile file(path);
  return file.bytes().size() >= kSignatureBytes &&
         png_sig_cmp(reinterpret_cast<png_const_bytep>(file.bytes().data()), 0, kSignatureBytes) ==
             0;
}

PngPicture ReadPng(const std::string& path, bool keep_16_bits) {
  const MappedFile file(path);
  Source source{file.bytes().data(), file.bytes().size(), {}};
  Reader reader(&source);
  const auto check = [&](bool ok) { T3_CHECK(ok, "{}: broken PNG: {}", path, source.message); };
  check(ReadHeader(reader));
  CheckSize(reader, path, file.bytes().size());
  CheckNotHdr({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, path);
  check(SetUpRgb(reader, keep_16_bits));

  PngPicture picture;
  picture.width = png_get_image_width(reader.png, reader.info);
  picture.height = png_get_image_height(reader.png, reader.info);
  picture.bits = png_get_bit_depth(reader.png, reader.info);
  const size_t row_bytes = png_get_rowbytes(reader.png, reader.info);
  T3_CHECK(row_bytes == static_cast<size_t>(picture.width) * 3 * picture.bits / 8,
           "{}: libpng does not expand it to RGB", path);
  picture.data.resize(row_bytes * picture.height);
  std::vector<png_bytep> rows(picture.height);
  for (int64_t y = 0; y < picture.height; ++y) rows[y] = picture.data.data() + y * row_bytes;
  check(ReadRows(reader, rows.data()));
  ReadTexts(reader, picture);
  return picture;
}

}  // namespace t3
