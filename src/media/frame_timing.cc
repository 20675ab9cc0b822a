// Rates, counts and the nearest frame.
#include "media/frame_timing.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/text.h"
#include "media/video_settings.h"

namespace t3 {
namespace {

constexpr double kMaxSeconds = 1e6;      // beyond, times are damage
constexpr double kMaxDropped = 0.25;     // by recorders that drop frames
constexpr double kStandardError = 0.01;  // of a rate that is meant to be a standard one
constexpr double kStandardRates[] = {24000.0 / 1001, 24, 25, 30000.0 / 1001, 30, 48, 50,
                                     60000.0 / 1001, 60, 120};

double Exact(double fps) {
  const FrameRate rate = ExactFrameRate(fps);
  return static_cast<double>(rate.numerator) / static_cast<double>(rate.denominator);
}

double CheckedExact(double fps) {
  T3_CHECK(fps >= 0.001 && fps <= 1000, "it shows {:.4g} frames a second: wanted 0.001 to 1000",
           fps);
  return Exact(fps);
}

// Whether frame i is the one nearest to i / fps.
bool IsConstant(const std::vector<double>& times, double fps) {
  for (size_t i = 0; i < times.size(); ++i) {
    if (!(std::abs(times[i] * fps - static_cast<double>(i)) < 0.5)) return false;
  }
  return true;
}

double MedianGap(const std::vector<double>& times) {
  std::vector<double> gaps;
  for (size_t i = 1; i < times.size(); ++i) gaps.push_back(times[i] - times[i - 1]);
  const auto median = gaps.begin() + std::ssize(gaps) / 2;
  std::nth_element(gaps.begin(), median, gaps.end());
  return *median;
}

double Standard(double fps) {
  const double nearest =
      *std::min_element(std::begin(kStandardRates), std::end(kStandardRates),
                        [&](double a, double b) { return std::abs(a - fps) < std::abs(b - fps); });
  return std::abs(nearest - fps) <= kStandardError * fps ? nearest : fps;
}

}  // namespace

FrameTiming TimingOf(const std::vector<double>& times, double nominal_fps) {
  T3_CHECK(!times.empty(), "it holds no frame");
  T3_CHECK(times.back() <= kMaxSeconds, "the times of its frames span {:.3g} s, which is damage",
           times.back());
  const bool named = nominal_fps >= 0.001 && nominal_fps <= 1000;
  if (times.size() == 1) return {named ? Exact(nominal_fps) : kPictureFps, true, 0};
  T3_CHECK(times.back() > 0, "all of its {} have one time", Counted(std::ssize(times), "frame"));
  const double mean = static_cast<double>(times.size() - 1) / times.back();
  for (const double rate : {named ? nominal_fps : mean, mean}) {
    for (const double fps : {CheckedExact(Standard(rate)), CheckedExact(rate)}) {
      if (IsConstant(times, fps)) return {fps, true, mean};
    }
  }
  const double gap = MedianGap(times);
  const double common = gap > 0 ? 1 / gap : mean;
  const bool drops = common <= 1000 && mean >= common * (1 - kMaxDropped) && common >= mean;
  return {CheckedExact(Standard(drops ? common : mean)), false, mean};
}

int64_t FramesAtRate(const std::vector<double>& times, const FrameTiming& timing, double start,
                     double fps) {
  const double end = times.back() + 1 / timing.fps;
  if (!(start >= 0 && start < end)) {
    FailUsage("`start` is {} s, and the video ends at {:.2f} s", start, end);
  }
  return std::max<int64_t>(1, std::llround((end - start) * fps));
}

int64_t NearestFrame(const std::vector<double>& times, double time) {
  constexpr double kRounding = 1e-9;
  const auto after = std::lower_bound(times.begin(), times.end(), time);
  if (after == times.begin()) return 0;
  const bool before = after == times.end() || time - *(after - 1) <= *after - time + kRounding;
  return after - times.begin() - (before ? 1 : 0);
}

}  // namespace t3
