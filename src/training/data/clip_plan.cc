// Chooses buckets and frames.
#include "training/data/clip_plan.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "base/check.h"
#include "base/text.h"

namespace t3 {
namespace {

constexpr double kCropTolerance = 0.02;
constexpr double kRateTolerance = 0.1;  // a clip may repeat one frame in ten
constexpr double kMaxDropped = 0.25;    // and recorders may have dropped so many

// Frames a second, of a video without and with the frames that its recorder dropped.
struct Rates {
  double nominal = 0;
  double average = 0;
};

Rates RatesOf(const std::vector<double>& times) {
  if (times.size() < 2 || !(times.back() > 0)) return {};
  std::vector<double> gaps;
  for (size_t i = 1; i < times.size(); ++i) gaps.push_back(times[i] - times[i - 1]);
  const auto median = gaps.begin() + std::ssize(gaps) / 2;
  std::nth_element(gaps.begin(), median, gaps.end());
  return {1 / *median, static_cast<double>(times.size() - 1) / times.back()};
}

double Ratio(int64_t a, int64_t b) { return static_cast<double>(a) / static_cast<double>(b); }

// The share of the source's area that remains after scaling to cover and cropping.
double KeptShare(const ClipSize& bucket, int64_t width, int64_t height) {
  const double aspects = Ratio(bucket.width, bucket.height) / Ratio(width, height);
  return std::min(aspects, 1 / aspects);
}

double Enlargement(const ClipSize& bucket, int64_t width, int64_t height) {
  return std::max(Ratio(bucket.width, width), Ratio(bucket.height, height));
}

// Halfway between two frames, the earlier, whatever the rounding of the times.
int64_t Nearest(const std::vector<double>& times, double time) {
  constexpr double kRounding = 1e-9;
  const auto after = std::lower_bound(times.begin(), times.end(), time);
  if (after == times.begin()) return 0;
  const bool before = after == times.end() || time - *(after - 1) <= *after - time + kRounding;
  return after - times.begin() - (before ? 1 : 0);
}

// Images are clips of one frame; videos become that only where it was asked for.
std::vector<ClipSize> SizesFor(const ClipSettings& settings, bool image) {
  if (!image) return settings.buckets;
  std::set<ClipSize> buckets;
  for (ClipSize bucket : settings.buckets) {
    bucket.frames = 1;
    buckets.insert(bucket);
  }
  return {buckets.begin(), buckets.end()};
}

}  // namespace

std::string ClipSizeText(const ClipSize& bucket) {
  return fmt::format("{}x{}x{}", bucket.width, bucket.height, bucket.frames);
}

ClipSize ChooseClipSize(const ClipSettings& settings, int64_t width, int64_t height, int64_t frames,
                        bool image) {
  T3_CHECK(width > 0 && height > 0, "it has {}x{} pixels", width, height);
  std::vector<ClipSize> buckets = SizesFor(settings, image);
  const auto smallest = *std::min_element(buckets.begin(), buckets.end(), [](auto& a, auto& b) {
    return a.width * a.height < b.width * b.height;
  });
  std::erase_if(buckets, [&](const ClipSize& bucket) {
    return Enlargement(bucket, width, height) > settings.max_upscale + 1e-9;
  });
  T3_CHECK(!buckets.empty(), "too small: {}x{}, the smallest size wanted is {}x{}", width, height,
           smallest.width, smallest.height);
  const int64_t shortest = std::min_element(buckets.begin(), buckets.end(), [](auto& a, auto& b) {
                             return a.frames < b.frames;
                           })->frames;
  std::erase_if(buckets, [&](const ClipSize& bucket) { return bucket.frames > frames; });
  T3_CHECK(!buckets.empty(), "too short: {} at {} a second, wanted {} or more",
           Counted(frames, "frame"), settings.fps, shortest);
  double best = 0;
  for (const ClipSize& bucket : buckets) best = std::max(best, KeptShare(bucket, width, height));
  std::erase_if(buckets, [&](const ClipSize& bucket) {
    return KeptShare(bucket, width, height) < best - kCropTolerance;
  });
  return *std::max_element(buckets.begin(), buckets.end(),
                           [](const ClipSize& a, const ClipSize& b) {
                             return std::tuple(a.width * a.height, a.frames, a.width) <
                                    std::tuple(b.width * b.height, b.frames, b.width);
                           });
}

std::vector<Clip> PlanClips(const ClipSettings& settings, int64_t width, int64_t height,
                            const std::vector<double>& times) {
  T3_CHECK(!times.empty(), "it holds no frame");
  // The median alone counts uneven times of film in video and coarse time bases as slow.
  const Rates rates = RatesOf(times);
  const bool fast_enough = rates.average * (1 + kRateTolerance) >= settings.fps ||
                           (rates.nominal * (1 + kRateTolerance) >= settings.fps &&
                            rates.average >= settings.fps * (1 - kMaxDropped));
  T3_CHECK(times.size() == 1 || fast_enough,
           "it has {:.4g} frames a second, fewer than the {} wanted; a lower `fps` would accept it",
           rates.average, settings.fps);
  const int64_t frames = static_cast<int64_t>(std::floor(times.back() * settings.fps + 0.5)) + 1;
  const ClipSize bucket = ChooseClipSize(settings, width, height, frames, /*image=*/false);
  const int64_t count = std::min(settings.clips_per_video, frames / bucket.frames);
  std::vector<Clip> clips;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t begin = frames * i / count, end = frames * (i + 1) / count;
    const int64_t first = begin + (end - begin - bucket.frames) / 2;
    Clip clip{bucket, static_cast<double>(first) / settings.fps, {}};
    for (int64_t k = 0; k < bucket.frames; ++k) {
      clip.frames.push_back(Nearest(times, static_cast<double>(first + k) / settings.fps));
    }
    clips.push_back(std::move(clip));
  }
  return clips;
}

}  // namespace t3
