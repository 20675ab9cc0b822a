// Reading PNG. libpng reports errors by longjmp, so every function that it can leave that way holds
// plain data only; what needs a destructor lives in its caller.
#include <png.h>

#include <csetjmp>
#include <cstring>
#include <span>

#include "base/check.h"
#include "base/mapped_file.h"
#include "media/png_file.h"

namespace t3 {
namespace {

constexpr size_t kSignatureBytes = 8;
constexpr png_uint_32 kLargestSide = 65535;
// Deflate makes at most 1,032 bytes of one, so a short file cannot hold a large picture.
constexpr uint64_t kLargestExpansion = 1032;

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
    png_set_user_limits(png, kLargestSide, kLargestSide);
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

void CheckSizeIsPossible(const Reader& reader, const std::string& path, size_t file_bytes) {
  const uint64_t row_bytes = png_get_rowbytes(reader.png, reader.info);
  const uint64_t height = png_get_image_height(reader.png, reader.info);
  T3_CHECK(row_bytes * height <= file_bytes * kLargestExpansion,
           "{}: broken PNG: {} bytes cannot hold the {}x{} pixels that its header claims", path,
           file_bytes, png_get_image_width(reader.png, reader.info), height);
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
  CheckSizeIsPossible(reader, path, file.bytes().size());
  check(SetUpRgb(reader, keep_16_bits));

  PngPicture picture;
  picture.width = png_get_image_width(reader.png, reader.info);
  picture.height = png_get_image_height(reader.png, reader.info);
  picture.bits = png_get_bit_depth(reader.png, reader.info);
  const size_t row_bytes = png_get_rowbytes(reader.png, reader.info);
  T3_CHECK(row_bytes == static_cast<size_t>(picture.width) * 3 * picture.bits / 8,
           "{}: a PNG of an unknown kind", path);
  picture.data.resize(row_bytes * picture.height);
  std::vector<png_bytep> rows(picture.height);
  for (int64_t y = 0; y < picture.height; ++y) rows[y] = picture.data.data() + y * row_bytes;
  check(ReadRows(reader, rows.data()));
  ReadTexts(reader, picture);
  return picture;
}

}  // namespace t3
