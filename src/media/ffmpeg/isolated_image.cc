// A JPEG or WebP file that is decoded in a child process.
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "media/backends.h"
#include "media/ffmpeg/decode_service.h"
#include "media/image.h"

namespace t3 {

Image DecodeCompressedImage(const std::string& path, std::span<const std::byte> bytes,
                            std::vector<uint8_t>* alpha) {
  DecodeSession session(path);
  const std::string_view data(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string reply = session.Call(DecodeCommand::kImage, 0, data);
  int64_t size[3] = {};
  std::memcpy(size, reply.data(), sizeof(size));
  const auto pixels = static_cast<size_t>(size[0] * size[1]);
  Image image{size[0], size[1], std::vector<uint8_t>(3 * pixels)};
  const size_t alpha_bytes = size[2] != 0 ? pixels : 0;
  const auto* from =
      reinterpret_cast<const uint8_t*>(session.shared().Map(3 * pixels + alpha_bytes));
  std::memcpy(image.rgb.data(), from, 3 * pixels);
  if (alpha != nullptr) alpha->assign(from + 3 * pixels, from + 3 * pixels + alpha_bytes);
  return image;
}

}  // namespace t3
