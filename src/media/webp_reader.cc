// An animated WebP file as a video, as it is written here: every frame is a whole picture. FFmpeg
// decodes single pictures only, so each frame is handed to it as a file of its own.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/mapped_file.h"
#include "media/backends.h"
#include "media/image.h"
#include "media/video_reader.h"
#include "media/webp_comment.h"

namespace t3 {
namespace {

uint32_t Number(std::string_view text, size_t position, int bytes) {
  uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) {
    value |= uint32_t{static_cast<unsigned char>(text[position + i])} << (8 * i);
  }
  return value;
}

class WebpReader : public VideoReader {
 public:
  explicit WebpReader(const std::string& path) : file_(path) {
    FindChunks();
    const Image first = Decode(0);
    info_.width = first.width;
    info_.height = first.height;
    info_.frames = std::ssize(frames_);
    if (total_ms_ > 0) info_.fps = 1000.0 * static_cast<double>(frames_.size()) / total_ms_;
  }

  bool Read(float* rgb) override {
    if (next_ == frames_.size()) return false;
    const Image image = Decode(next_++);
    T3_CHECK(image.width == info_.width && image.height == info_.height,
             "cannot read {}: frame {} covers a part of the picture only", file_.path(), next_ - 1);
    ToPlanes(image, rgb);
    return true;
  }
  std::vector<double> FrameTimes(double otherwise_fps) override {
    if (total_ms_ == 0) return EvenTimes(std::ssize(frames_), otherwise_fps);
    return times_;
  }
  void SeekTo(int64_t index) override {
    next_ = std::min(static_cast<size_t>(index), frames_.size());
  }

 private:
  // The chunks ANMF, or the whole file where it is a single picture, and the description.
  void FindChunks() {
    const std::string_view file(reinterpret_cast<const char*>(file_.bytes().data()),
                                file_.bytes().size());
    constexpr size_t kFirstChunk = 12, kChunkHeader = 8, kFrameHeader = 16;
    for (size_t position = kFirstChunk; position + kChunkHeader <= file.size();) {
      const size_t size = Number(file, position + 4, 4);
      T3_CHECK(size <= file.size() - position - kChunkHeader, "cannot read {}: it is cut short",
               file_.path());
      if (file.substr(position, 4) == "ANMF" && size > kFrameHeader) {
        const size_t data = position + kChunkHeader;
        times_.push_back(total_ms_ / 1000);
        total_ms_ += Number(file, data + 12, 3);
        frames_.push_back(file.substr(data + kFrameHeader, size - kFrameHeader));
      }
      if (file.substr(position, 4) == "XMP ") {
        const std::string comment = XmpDescription(file.substr(position + kChunkHeader, size));
        if (!comment.empty()) info_.metadata["comment"] = comment;
      }
      position += kChunkHeader + size + size % 2;
    }
    single_ = frames_.empty();
    if (single_) frames_.push_back(file);
  }

  Image Decode(size_t index) const {
    std::string picture(frames_[index]);
    if (!single_) {
      std::string header = "RIFF....WEBP";
      for (int i = 0; i < 4; ++i) {
        header[4 + i] = static_cast<char>((picture.size() + 4) >> (8 * i));
      }
      picture.insert(0, header);
    }
    return DecodeCompressedImage(file_.path(), std::as_bytes(std::span(picture)));
  }

  MappedFile file_;
  std::vector<std::string_view> frames_;
  std::vector<double> times_;  // of the frames of an animation, seconds
  bool single_ = false;
  double total_ms_ = 0;
  size_t next_ = 0;
};

}  // namespace

std::unique_ptr<VideoReader> OpenWebpReader(const std::string& path) {
  return std::make_unique<WebpReader>(path);
}

}  // namespace t3
