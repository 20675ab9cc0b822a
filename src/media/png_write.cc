// Writing PNG; see png_read.cc about longjmp.
#include <png.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "media/pixel_convert.h"
#include "media/png_file.h"

namespace t3 {
namespace {

// Level 3 compresses 4K frames in a third of the default level's time for 5 % more bytes.
constexpr int kCompressionLevel = 3;
constexpr size_t kMaxKeyBytes = 79;

struct Failure {
  int system_error;
  char message[256];
};

void OnWriteError(png_structp png, png_const_charp message) {
  auto* failure = static_cast<Failure*>(png_get_error_ptr(png));
  failure->system_error = errno;
  std::strncpy(failure->message, message, sizeof(failure->message) - 1);
  png_longjmp(png, 1);
}
void OnWriteWarning(png_structp, png_const_charp) {}

struct Writer {
  explicit Writer(Failure* failure)
      : png(png_create_write_struct(PNG_LIBPNG_VER_STRING, failure, OnWriteError, OnWriteWarning)),
        info(png != nullptr ? png_create_info_struct(png) : nullptr) {
    T3_CHECK(info != nullptr, "libpng: out of memory");
  }
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  png_structp png;
  png_infop info;
};

bool WriteAll(Writer& writer, std::FILE* file, const PngPicture& picture, png_bytepp rows,
              png_textp texts, int text_count) {
  if (setjmp(png_jmpbuf(writer.png))) return false;
  png_structp png = writer.png;
  errno = 0;
  png_init_io(png, file);
  png_set_IHDR(png, writer.info, static_cast<png_uint_32>(picture.width),
               static_cast<png_uint_32>(picture.height), picture.bits, PNG_COLOR_TYPE_RGB,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(png, kCompressionLevel);
  png_set_text(png, writer.info, texts, text_count);
  png_write_info(png, writer.info);
  if (picture.bits == 16) png_set_swap(png);
  png_write_image(png, rows);
  png_write_end(png, writer.info);
  return true;
}

std::vector<png_text> MakeTexts(const PngPicture& picture) {
  std::vector<png_text> texts;
  for (const auto& [key, value] : picture.text) {
    T3_CHECK(!key.empty() && key.size() <= kMaxKeyBytes, "'{}' cannot be the key of a PNG text",
             key);
    const bool ascii =
        std::all_of(value.begin(), value.end(), [](char c) { return c > 0 && c < 127; });
    png_text text = {};
    text.compression = ascii ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
    text.key = const_cast<png_charp>(key.c_str());
    text.text = const_cast<png_charp>(value.c_str());
    text.text_length = ascii ? value.size() : 0;
    text.itxt_length = ascii ? 0 : value.size();
    texts.push_back(text);
  }
  return texts;
}

struct ClosePng {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

PngPicture ToPng(const FrameView& frame, int bits, const std::map<std::string, std::string>& text,
                 int threads) {
  PngPicture picture;
  picture.width = frame.width;
  picture.height = frame.height;
  picture.bits = bits;
  picture.text = text;
  const int64_t row_bytes = frame.width * 3 * bits / 8;
  picture.data.resize(static_cast<size_t>(frame.height * row_bytes));
  Planes planes;
  planes.data[0] = picture.data.data();
  planes.stride[0] = row_bytes;
  PackFrame(frame, PackedRgbLayout(bits), YuvColor{}, planes, threads);
  return picture;
}

int PngBits(const std::string& path, const std::string& pixel_format) {
  if (pixel_format.empty() || pixel_format == "rgb24") return 8;
  if (pixel_format == "rgb48" || pixel_format == "rgb48be" || pixel_format == "rgb48le") return 16;
  FailUsage(
      "{}: PNG frames cannot have pixel format '{}'; wanted rgb24 (8 bits) or rgb48 (16 bits)",
      path, pixel_format);
}

void WritePng(const std::string& path, const PngPicture& picture) {
  const std::unique_ptr<std::FILE, ClosePng> file(std::fopen(path.c_str(), "wbe"));
  T3_CHECK(file != nullptr, "cannot write {}: {}", path, std::strerror(errno));
  Failure failure = {};
  Writer writer(&failure);
  const size_t row_bytes = static_cast<size_t>(picture.width) * 3 * picture.bits / 8;
  std::vector<png_bytep> rows(picture.height);
  for (int64_t y = 0; y < picture.height; ++y) {
    rows[y] = const_cast<png_bytep>(picture.data.data() + y * row_bytes);
  }
  std::vector<png_text> texts = MakeTexts(picture);
  T3_CHECK(WriteAll(writer, file.get(), picture, rows.data(), texts.data(),
                    static_cast<int>(texts.size())),
           "cannot write {}: {}", path,
           failure.system_error != 0 ? std::strerror(failure.system_error) : failure.message);
  T3_CHECK(std::fflush(file.get()) == 0 && ::fsync(::fileno(file.get())) == 0,
           "cannot write {}: {}", path, std::strerror(errno));
}

}  // namespace t3
