// A fixed part, then notes and metadata as texts that end in zero bytes.
#include "media/ffmpeg/video_info_bytes.h"

#include <cstdint>
#include <cstring>
#include <vector>

#include "media/ffmpeg/packed_texts.h"

namespace t3 {
namespace {

struct InfoHeader {
  int64_t width, height;
  double pixel_aspect, fps;
  int64_t frames;  // -1: not known
  int64_t has_audio;
  uint64_t notes;  // how many
};

}  // namespace

std::string PackInfo(const VideoInfo& info) {
  const InfoHeader header{info.width,
                          info.height,
                          info.pixel_aspect,
                          info.fps,
                          info.frames.value_or(-1),
                          info.has_audio ? 1 : 0,
                          info.notes.size()};
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  std::vector<std::string> texts = info.notes;
  for (const auto& [key, value] : info.metadata) texts.insert(texts.end(), {key, value});
  bytes += PackTexts(texts);
  return bytes;
}

VideoInfo UnpackInfo(const std::string& bytes) {
  InfoHeader header{};
  std::memcpy(&header, bytes.data(), sizeof(header));
  VideoInfo info;
  info.width = header.width;
  info.height = header.height;
  info.pixel_aspect = header.pixel_aspect;
  info.fps = header.fps;
  if (header.frames >= 0) info.frames = header.frames;
  info.has_audio = header.has_audio != 0;
  const std::vector<std::string> texts =
      UnpackTexts(std::string_view(bytes).substr(sizeof(header)));
  const auto metadata = static_cast<size_t>(header.notes);
  info.notes.assign(texts.begin(), texts.begin() + static_cast<std::ptrdiff_t>(metadata));
  for (size_t i = metadata; i + 1 < texts.size(); i += 2) info.metadata[texts[i]] = texts[i + 1];
  return info;
}

}  // namespace t3
