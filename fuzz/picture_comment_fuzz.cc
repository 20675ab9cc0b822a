// libFuzzer target: comments of GIF and WebP files.
#include <cstdlib>
#include <string_view>

#include "media/gif_comment.h"
#include "media/webp_comment.h"
#include "parse.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  if (t3::GifComment(file).size() > size) std::abort();
  if (t3::XmpDescription(file).size() > size) std::abort();
  return 0;
}
