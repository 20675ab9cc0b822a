// An animated WebP file, or a single picture, as a video. FFmpeg decodes single pictures only, so
// each frame is handed to it as a file of its own and put on the canvas here.
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
#include "media/webp_number.h"

namespace t3 {
namespace {

// A frame of an animation: a picture on a part of the canvas.
struct Patch {
  std::string_view data;
  int64_t x = 0, y = 0, width = 0, height = 0;
  bool blended = false;   // over what is there, by its alpha
  bool disposed = false;  // its part becomes background before the next
};

Patch ParsePatch(std::string_view chunk) {
  constexpr size_t kHeader = 16;
  const uint32_t flags = WebpNumber(chunk, 15, 1);
  return {chunk.substr(kHeader),
          2 * int64_t{WebpNumber(chunk, 0, 3)},
          2 * int64_t{WebpNumber(chunk, 3, 3)},
          int64_t{WebpNumber(chunk, 6, 3)} + 1,
          int64_t{WebpNumber(chunk, 9, 3)} + 1,
          (flags & 2) == 0,
          (flags & 1) != 0};
}

bool IsOpaque(std::string_view data) {
  constexpr size_t kLosslessHeader = 13;
  if (data.starts_with("VP8L") && data.size() >= kLosslessHeader) {
    return (WebpNumber(data, 9, 4) >> 28 & 1) == 0;
  }
  return data.starts_with("VP8 ");
}

class WebpReader : public VideoReader {
 public:
  explicit WebpReader(const std::string& path) : file_(path) {
    FindChunks();
    if (patches_.empty()) {
      canvas_ = DecodeCompressedImage(path, file_.bytes());
      info_.frames = 1;
    } else {
      CheckPatches();
      canvas_.rgb.resize(static_cast<size_t>(3 * canvas_.width * canvas_.height));
      info_.frames = std::ssize(patches_);
      if (total_ms_ > 0) info_.fps = 1000.0 * static_cast<double>(patches_.size()) / total_ms_;
      ShowFrame(0);  // a file that cannot be decoded is refused here
    }
    info_.width = canvas_.width;
    info_.height = canvas_.height;
  }

  bool Read(float* rgb) override {
    if (next_ >= *info_.frames) return false;
    if (!patches_.empty()) ShowFrame(next_);
    ++next_;
    ToPlanes(canvas_, rgb);
    return true;
  }
  std::vector<double> FrameTimes(double otherwise_fps) override {
    if (total_ms_ == 0) return EvenTimes(*info_.frames, otherwise_fps);
    return times_;
  }
  void SeekTo(int64_t index) override { next_ = std::min(index, *info_.frames); }

 private:
  // The frames (chunks ANMF), the canvas and the description.
  void FindChunks() {
    const std::string_view file(reinterpret_cast<const char*>(file_.bytes().data()),
                                file_.bytes().size());
    constexpr size_t kFirst = 12, kHeader = 8, kCanvas = 10, kFrameHeader = 16;
    for (size_t position = kFirst; position + kHeader <= file.size();) {
      const size_t size = WebpNumber(file, position + 4, 4);
      T3_CHECK(size <= file.size() - position - kHeader, "cannot read {}: it is cut short",
               file_.path());
      const std::string_view kind = file.substr(position, 4);
      const std::string_view chunk = file.substr(position + kHeader, size);
      if (kind == "VP8X" && size >= kCanvas) {
        canvas_.width = int64_t{WebpNumber(chunk, 4, 3)} + 1;
        canvas_.height = int64_t{WebpNumber(chunk, 7, 3)} + 1;
      }
      if (kind == "ANMF" && size > kFrameHeader) {
        times_.push_back(total_ms_ / 1000);
        total_ms_ += WebpNumber(chunk, 12, 3);
        patches_.push_back(ParsePatch(chunk));
      }
      if (kind == "XMP ") {
        const std::string comment = XmpDescription(chunk);
        if (!comment.empty()) info_.metadata["comment"] = comment;
      }
      position += kHeader + size + size % 2;
    }
  }

  void CheckPatches() const {
    T3_CHECK(canvas_.width > 0 && canvas_.width * canvas_.height <= kMaxPixels,
             "cannot read {}: its size is missing or out of range", file_.path());
    for (const Patch& patch : patches_) {
      T3_CHECK(patch.x + patch.width <= canvas_.width && patch.y + patch.height <= canvas_.height,
               "cannot read {}: a frame leaves its {}x{} pixels", file_.path(), canvas_.width,
               canvas_.height);
    }
  }

  // Whether the picture does not depend on frames before this one.
  bool StandsAlone(int64_t index) const {
    const Patch& patch = patches_[static_cast<size_t>(index)];
    return index == 0 || (patch.width == canvas_.width && patch.height == canvas_.height &&
                          (!patch.blended || IsOpaque(patch.data)));
  }

  // Makes canvas_ the frame `index`.
  void ShowFrame(int64_t index) {
    if (index == shown_) return;
    int64_t first = index;
    while (!StandsAlone(first) && first != shown_ + 1) --first;
    for (int64_t i = first; i <= index; ++i) {
      if (i == 0) std::fill(canvas_.rgb.begin(), canvas_.rgb.end(), uint8_t{0});
      shown_ = -2;  // nothing, should decoding fail
      if (i > 0) Dispose(patches_[static_cast<size_t>(i - 1)]);
      Draw(patches_[static_cast<size_t>(i)]);
      shown_ = i;
    }
  }

  void Dispose(const Patch& patch) {
    if (!patch.disposed) return;
    for (int64_t y = patch.y; y < patch.y + patch.height; ++y) {
      std::fill_n(canvas_.rgb.begin() + 3 * (y * canvas_.width + patch.x), 3 * patch.width,
                  uint8_t{0});
    }
  }

  void Draw(const Patch& patch) {
    std::vector<uint8_t> alpha;
    const Image picture = Decode(patch, alpha);
    if (!patch.blended) alpha.clear();
    for (int64_t y = 0; y < patch.height; ++y) {
      const uint8_t* from = picture.rgb.data() + 3 * y * patch.width;
      uint8_t* to = canvas_.rgb.data() + 3 * ((patch.y + y) * canvas_.width + patch.x);
      for (int64_t i = 0; i < 3 * patch.width; ++i) {
        const int share = alpha.empty() ? 255 : alpha[static_cast<size_t>(y * patch.width + i / 3)];
        to[i] = static_cast<uint8_t>((share * from[i] + (255 - share) * to[i] + 127) / 255);
      }
    }
  }

  Image Decode(const Patch& patch, std::vector<uint8_t>& alpha) const {
    std::string picture(patch.data);
    // Alpha of a lossy picture is a chunk of its own, which needs the header of extended files.
    if (picture.starts_with("ALPH")) {
      picture.insert(0, "VP8X" + Bytes(10, 4) + Bytes(0x10, 4) + Bytes(patch.width - 1, 3) +
                            Bytes(patch.height - 1, 3));
    }
    picture.insert(0, "RIFF" + Bytes(std::ssize(picture) + 4, 4) + "WEBP");
    Image image = DecodeCompressedImage(file_.path(), std::as_bytes(std::span(picture)), &alpha);
    T3_CHECK(image.width == patch.width && image.height == patch.height,
             "cannot read {}: a picture of {}x{} pixels in a frame of {}x{}", file_.path(),
             image.width, image.height, patch.width, patch.height);
    return image;
  }

  static std::string Bytes(int64_t value, int count) {
    std::string bytes;
    for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i));
    return bytes;
  }

  MappedFile file_;
  std::vector<Patch> patches_;  // empty: a single picture, in canvas_
  std::vector<double> times_;   // of patches_, seconds
  double total_ms_ = 0;
  Image canvas_;
  int64_t shown_ = -2;  // index of the frame in canvas_; -2: none
  int64_t next_ = 0;
};

}  // namespace

std::unique_ptr<VideoReader> OpenWebpReader(const std::string& path) {
  return std::make_unique<WebpReader>(path);
}

}  // namespace t3
