// A fixed part, then notes and metadata as texts that end in zero bytes.
#include "media/ffmpeg/video_info_bytes.h"

#include <cstdint>
#include <cstring>

namespace t3 {
namespace {

struct Header {
  int64_t width, height;
  double pixel_aspect, fps;
  int64_t frames;  // -1: not known
  int64_t has_audio;
  uint64_t notes;  // how many
};

}  // namespace

std::string PackInfo(const VideoInfo& info) {
  const Header header{info.width,
                      info.height,
                      info.pixel_aspect,
                      info.fps,
                      info.frames.value_or(-1),
                      info.has_audio ? 1 : 0,
                      info.notes.size()};
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  for (const std::string& note : info.notes) bytes.append(note.c_str(), note.size() + 1);
  for (const auto& [key, value] : info.metadata) {
    bytes.append(key.c_str(), key.size() + 1).append(value.c_str(), value.size() + 1);
  }
  return bytes;
}

VideoInfo UnpackInfo(const std::string& bytes) {
  Header header{};
  std::memcpy(&header, bytes.data(), sizeof(header));
  VideoInfo info;
  info.width = header.width;
  info.height = header.height;
  info.pixel_aspect = header.pixel_aspect;
  info.fps = header.fps;
  if (header.frames >= 0) info.frames = header.frames;
  info.has_audio = header.has_audio != 0;
  const char* text = bytes.data() + sizeof(header);
  const char* const end = bytes.data() + bytes.size();
  const auto next = [&] {
    const std::string value = text;
    text += value.size() + 1;
    return value;
  };
  while (info.notes.size() < header.notes) info.notes.push_back(next());
  while (text < end) {
    const std::string key = next();
    info.metadata[key] = next();
  }
  return info;
}

}  // namespace t3
