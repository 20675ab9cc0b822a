// A JPEG or WebP file that is decoded in a child process.
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "media/backends.h"
#include "media/ffmpeg/decode_service.h"
#include "media/image.h"

namespace t3 {

Image DecodeCompressedImage(const std::string& path, std::span<const std::byte> bytes) {
  DecodeSession session(path);
  const std::string_view data(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string reply = session.Call(DecodeCommand::kImage, 0, data);
  int64_t size[2] = {};
  std::memcpy(size, reply.data(), sizeof(size));
  Image image{size[0], size[1], std::vector<uint8_t>(static_cast<size_t>(3 * size[0] * size[1]))};
  std::memcpy(image.rgb.data(), session.shared().Map(image.rgb.size()), image.rgb.size());
  return image;
}

}  // namespace t3
