// Opening, choosing frames, resizing.
#include "media/video_source.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "media/backends.h"
#include "media/extension.h"
#include "media/image.h"
#include "media/pixel_convert.h"
#include "media/video_settings.h"

namespace t3 {
namespace {

std::unique_ptr<VideoReader> OpenSource(const std::string& path) {
  const std::string extension = Extension(path);
  if (extension == ".jpg" || extension == ".jpeg") return OpenPictureReader(path);
  return VideoReader::OpenStored(path);
}

// The file's name before a message that has none.
template <typename Action>
auto NamingFile(const std::string& path, const Action& action) {
  try {
    return action();
  } catch (const Error& error) {
    throw Error(fmt::format("cannot read {}: {}", path, error.what()), error.kind());
  }
}

double RateWanted(const SourceOptions& options, const FrameTiming& timing) {
  if (options.fps == 0) return timing.fps;
  const FrameRate rate = ExactFrameRate(options.fps);
  return static_cast<double>(rate.numerator) / static_cast<double>(rate.denominator);
}

}  // namespace

VideoSource::VideoSource(const std::string& path, const SourceOptions& options)
    : path_(path), reader_(OpenSource(path)), start_(options.start) {
  const VideoInfo& stored = reader_->info();
  times_ = reader_->FrameTimes(options.fps > 0 ? options.fps : kPictureFps);
  NamingFile(path, [&] { timing_ = TimingOf(times_, stored.fps > 0 ? stored.fps : options.fps); });
  info_.fps = RateWanted(options, timing_);
  NamingFile(path, [&] { info_.frames = FramesAtRate(times_, timing_, start_, info_.fps); });
  if (options.max_frames > 0) info_.frames = std::min(info_.frames, options.max_frames);
  info_.width =
      std::max<int64_t>(1, std::llround(static_cast<double>(stored.width) * stored.pixel_aspect));
  info_.height = stored.height;
  info_.has_audio = stored.has_audio;
  const int64_t width = options.width > 0 ? options.width : info_.width;
  const int64_t height = options.height > 0 ? options.height : info_.height;
  T3_CHECK(info_.width * info_.height <= kMaxPixels,
           "cannot read {}: its pixel aspect ratio of {:.4g} makes frames of {}x{} pixels", path,
           stored.pixel_aspect, info_.width, info_.height);
  if (width != stored.width || height != stored.height || info_.width != stored.width) {
    resize_ = std::make_unique<CoverResize>(stored.width, stored.height, stored.pixel_aspect, width,
                                            height);
  }
  decoded_.resize(static_cast<size_t>(3 * stored.width * stored.height));
  AddNotes(options);
}

void VideoSource::AddNotes(const SourceOptions& options) {
  const VideoInfo& stored = reader_->info();
  info_.notes = stored.notes;
  if (stored.fps == 0 && options.fps == 0 && times_.size() > 1) {
    info_.notes.push_back(fmt::format("it has no frame rate; {} a second is taken", info_.fps));
  }
  if (!timing_.constant) {
    info_.notes.push_back(
        fmt::format("its frame rate varies ({:.4g} a second on average); frames are repeated or "
                    "left out for an even {:.5g} a second",
                    timing_.mean_fps, info_.fps));
  } else if (times_.size() > 1 && std::abs(info_.fps - timing_.fps) > 1e-3) {
    info_.notes.push_back(
        fmt::format("{:.5g} frames a second become {:.5g}; frames are repeated or left out",
                    timing_.fps, info_.fps));
  }
  constexpr double kVisible = 0.005;
  const double cut =
      resize_ == nullptr ? 0 : 1 - std::min(resize_->kept_width(), resize_->kept_height());
  if (cut > kVisible) {
    info_.notes.push_back(
        fmt::format("its {}x{} pixels are cropped to {}x{}'s aspect: {:.0f} % of "
                    "the {} is cut off",
                    info_.width, info_.height, options.width, options.height, 100 * cut,
                    resize_->kept_width() < 1 - kVisible ? "width" : "height"));
  }
}

bool VideoSource::Next(float* rgb) {
  if (next_ >= info_.frames) return false;
  Decode(NearestFrame(times_, start_ + static_cast<double>(next_) / info_.fps));
  ++next_;
  if (resize_ == nullptr) {
    std::copy(decoded_.begin(), decoded_.end(), rgb);
  } else {
    resize_->Resize(decoded_.data(), rgb, ThreadCount(0));
  }
  return true;
}

void VideoSource::SeekTo(int64_t index) { next_ = index; }

void VideoSource::Decode(int64_t frame) {
  if (frame == decoded_index_) return;
  decoded_index_ = -1;  // decoded_ changes, whatever happens
  reader_->SeekTo(frame);
  T3_CHECK(reader_->Read(decoded_.data()),
           "cannot read {}: its frames end at {:.2f} s, and it says that there are more", path_,
           times_[static_cast<size_t>(frame)]);
  decoded_index_ = frame;
}

}  // namespace t3
