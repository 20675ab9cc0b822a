// Reading YUV4MPEG2.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <sstream>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/lost_pages.h"
#include "base/mapped_file.h"
#include "media/backends.h"
#include "media/image.h"
#include "media/pixel_convert.h"
#include "media/video_reader.h"
#include "media/y4m_comment.h"

namespace t3 {
namespace {

constexpr std::string_view kMagic = "YUV4MPEG2";
constexpr size_t kMaxLineBytes = 1024;
constexpr int64_t kMaxY4mSide = 65535;

struct Header {
  int64_t width = 0, height = 0;
  int64_t rate_numerator = 0, rate_denominator = 0;
  double pixel_aspect = 1;
  std::string color = "420";
  bool full_range = false;
};

// Pixel layout and chroma site of a C tag, e.g. "420mpeg2", "422p10", "mono".
PixelLayout LayoutOfTag(const std::string& path, const std::string& tag, ChromaSite& site) {
  site = ChromaSite::kLeft;
  std::string name = tag;
  if (tag == "420" || tag == "420jpeg") {
    site = ChromaSite::kCenter;
    name = "420";
  } else if (tag == "420paldv") {
    site = ChromaSite::kTopLeft;
    name = "420";
  } else if (tag == "420mpeg2") {
    name = "420";
  }
  const bool gray = tag.starts_with("mono");
  const size_t depth = name.find('p');
  const std::string full_name =
      gray ? "gray" + tag.substr(4)
           : "yuv" + name.substr(0, depth) + "p" +
                 (depth == std::string::npos ? "" : name.substr(depth + 1));
  const auto layout = PlanarYuvLayout(full_name);
  T3_CHECK(layout.has_value(),
           "{}: Y4M colour space 'C{}' is not supported; wanted 420, 422 or 444 "
           "with 8, 10 or 12 bits, or mono",
           path, tag);
  return *layout;
}

class Y4mReader : public VideoReader {
 public:
  explicit Y4mReader(const std::string& path) : file_(path), end_(file_.bytes().size()) {
    Require(file_.bytes().size() > kMagic.size() &&
                std::memcmp(file_.bytes().data(), kMagic.data(), kMagic.size()) == 0,
            "it does not begin with YUV4MPEG2");
    const Header header = ParseHeader(Line());
    layout_ = LayoutOfTag(path, header.color, color_.site);
    color_.full_range = header.full_range;
    info_.width = header.width;
    info_.height = header.height;
    if (header.rate_numerator > 0 && header.rate_denominator > 0) {
      info_.fps =
          static_cast<double>(header.rate_numerator) / static_cast<double>(header.rate_denominator);
    }
    LayOutPlanes();
    info_.pixel_aspect = header.pixel_aspect;
    first_frame_ = position_;
    constexpr size_t kFrameLine = 6;  // "FRAME\n", where frames carry no parameters
    const size_t rest = file_.bytes().size() - position_;
    const size_t extra = rest % (kFrameLine + frame_bytes_);
    if (extra == 0 || TakeComment(file_.bytes().size() - extra)) {
      info_.frames = static_cast<int64_t>(rest / (kFrameLine + frame_bytes_));
    }
  }

  bool Read(float* rgb) override {
    const size_t start = NextFrame();
    if (start == 0) return false;
    ConstPlanes planes;
    const auto* data = reinterpret_cast<const uint8_t*>(file_.bytes().data()) + start;
    if (layout_.samples[0].bytes() == 2) {  // words need an even address
      aligned_.resize(frame_bytes_);
      std::memcpy(aligned_.data(), data, frame_bytes_);
      data = aligned_.data();
    }
    for (int c = 0; c < layout_.components; ++c) {
      planes.data[c] = data + offsets_[c];
      planes.stride[c] = strides_[c];
    }
    UnpackFrame(planes, info_.width, info_.height, layout_, color_, rgb, ThreadCount(0));
    CheckMappedFiles();
    return true;
  }

  std::vector<double> FrameTimes(double otherwise_fps) override {
    const auto here = std::pair(position_, next_);
    while (NextFrame() != 0) continue;
    const int64_t frames = next_;
    std::tie(position_, next_) = here;
    return EvenTimes(frames, otherwise_fps);
  }

  void SeekTo(int64_t index) override {
    if (index < next_) position_ = first_frame_, next_ = 0;
    while (next_ < index && NextFrame() != 0) continue;
  }

 private:
  // Whether there is one at `position`, after the last frame.
  bool TakeComment(size_t position) {
    const std::string_view text(reinterpret_cast<const char*>(file_.bytes().data()) + position,
                                file_.bytes().size() - position);
    if (!text.starts_with(kY4mCommentLine)) return false;
    info_.metadata["comment"] = text.substr(kY4mCommentLine.size());
    end_ = position;
    return true;
  }

  // Skips the next frame: where its samples begin; 0 at the end.
  size_t NextFrame() {
    if (position_ == end_) return 0;
    Require(Line().starts_with("FRAME"), "a frame does not begin with FRAME");
    Require(position_ <= end_ && end_ - position_ >= frame_bytes_, "its last frame is cut short");
    position_ += frame_bytes_;
    ++next_;
    return position_ - frame_bytes_;
  }

  void Require(bool condition, const char* problem) const {
    T3_CHECK(condition, "{}: broken Y4M: {}", file_.path(), problem);
  }

  int64_t Number(std::string_view text) const {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    Require(error == std::errc() && end == text.data() + text.size(), "a number is malformed");
    return value;
  }

  std::pair<int64_t, int64_t> Fraction(std::string_view text) const {
    const size_t colon = text.find(':');
    Require(colon != std::string_view::npos, "a rate or an aspect ratio is not A:B");
    return {Number(text.substr(0, colon)), Number(text.substr(colon + 1))};
  }

  // The text up to the next newline, which is skipped.
  std::string_view Line() {
    const auto* begin = reinterpret_cast<const char*>(file_.bytes().data()) + position_;
    const size_t longest = std::min(kMaxLineBytes, file_.bytes().size() - position_);
    const auto* end = static_cast<const char*>(std::memchr(begin, '\n', longest));
    Require(end != nullptr, "a header line does not end");
    position_ += end - begin + 1;
    return {begin, static_cast<size_t>(end - begin)};
  }

  Header ParseHeader(std::string_view line) const {
    Header header;
    std::istringstream words{std::string(line.substr(kMagic.size()))};
    for (std::string word; words >> word;) {
      const std::string_view value = std::string_view(word).substr(1);
      if (word[0] == 'W') header.width = Number(value);
      if (word[0] == 'H') header.height = Number(value);
      if (word[0] == 'C') header.color = value;
      if (word == "XCOLORRANGE=FULL") header.full_range = true;
      if (word[0] == 'F') {
        std::tie(header.rate_numerator, header.rate_denominator) = Fraction(value);
      }
      if (word[0] == 'A') {
        const auto [width, height] = Fraction(value);
        if (width > 0 && height > 0) {  // 0:0 means unknown
          header.pixel_aspect = static_cast<double>(width) / static_cast<double>(height);
        }
      }
    }
    Require(header.width > 0 && header.height > 0 && header.width <= kMaxY4mSide &&
                header.height <= kMaxY4mSide && header.width * header.height <= kMaxPixels,
            "its size is missing or out of range");
    return header;
  }

  void LayOutPlanes() {
    for (int c = 0; c < layout_.components; ++c) {
      const int64_t width = c == 0 ? info_.width : layout_.ChromaWidth(info_.width);
      const int64_t height = c == 0 ? info_.height : layout_.ChromaHeight(info_.height);
      strides_[c] = width * layout_.samples[c].bytes();
      offsets_[c] = frame_bytes_;
      frame_bytes_ += strides_[c] * height;
    }
  }

  MappedFile file_;
  PixelLayout layout_;
  YuvColor color_;
  size_t end_ = 0;  // of the frames
  size_t first_frame_ = 0;
  size_t position_ = 0;
  int64_t next_ = 0;  // index of the frame at position_
  size_t frame_bytes_ = 0;
  size_t offsets_[3] = {};
  ptrdiff_t strides_[3] = {};
  std::vector<uint8_t> aligned_;
};

}  // namespace

std::unique_ptr<VideoReader> OpenY4mReader(const std::string& path) {
  return std::make_unique<Y4mReader>(path);
}

}  // namespace t3
