// Differences from the reference.
#include "score/full_reference.h"

#include <algorithm>
#include <cmath>

#include "score/per_frame.h"
#include "score/vmaf.h"

namespace t3 {
namespace {

constexpr int64_t kSsimTaps = 11;

double MeanSquare(const float* a, const float* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double difference = a[i] - b[i];
    sum += difference * difference;
  }
  return sum / static_cast<double>(count);
}

// In dB, of 255 levels; 100 for equal pictures.
double Decibels(double mean_square) {
  constexpr double kMax = 100;
  return mean_square <= 0 ? kMax : std::min(kMax, 10 * std::log10(255.0 * 255.0 / mean_square));
}

FrameValues SsimOfFrame(const ScoreFrame& frame) {
  return {SsimOf({frame.width, frame.height, frame.luma},
                 {frame.width, frame.height, frame.reference_luma})};
}

constexpr MetricNeeds kReference{.reference = true};
constexpr ScoreMetric kPsnr[] = {
    {"psnr_y", "psnr", "dB", Better::kMore, "PSNR of luma", kReference},
    {"psnr_rgb", "psnr", "dB", Better::kMore, "PSNR of red, green and blue", kReference}};
constexpr ScoreMetric kSsim[] = {
    {"ssim", "ssim", "", Better::kMore, "Wang et al., IEEE TIP 13(4), 2004", kReference}};
constexpr ScoreMetric kVmaf[] = {{"vmaf",
                                  "vmaf",
                                  "",
                                  Better::kMore,
                                  "Netflix VMAF v0.6.1",
                                  {.reference = true, .program = true}}};

constexpr MetricGroup kReferenceGroups[] = {
    {"psnr", 1, kPsnr, [](const MetricSetup&) { return MetricOf<PsnrOfClip>(); }},
    {"ssim", 1, kSsim,
     [](const MetricSetup&) { return MeanOverFrames(kSsim, SsimOfFrame, kSsimTaps); }},
    {"vmaf", 1, kVmaf, OpenVmaf}};

}  // namespace

std::span<const MetricGroup> ReferenceMetricGroups() { return kReferenceGroups; }

void PsnrOfClip::Add(const ScoreFrame& frame) {
  luma_ += MeanSquare(frame.luma, frame.reference_luma, frame.pixels());
  constexpr double kLevels = 127.5;  // of a unit
  rgb_ += MeanSquare(frame.rgb, frame.reference_rgb, 3 * frame.pixels()) * kLevels * kLevels;
  ++frames_;
}

MetricValues PsnrOfClip::Finish() {
  const auto frames = static_cast<double>(frames_);
  return {{"psnr_y", Decibels(luma_ / frames)}, {"psnr_rgb", Decibels(rgb_ / frames)}};
}

double SsimOf(PlaneView a, PlaneView b) {
  const std::vector<double> taps = GaussianTaps(kSsimTaps, 1.5);
  const auto filtered = [&](const auto& value) {
    Plane plane(a.width, a.height);
    for (int64_t i = 0; i < a.pixels(); ++i) plane.data[static_cast<size_t>(i)] = value(i);
    return Correlate(plane.view(), taps, Border::kNearest);
  };
  const Plane mean_a = Correlate(a, taps, Border::kNearest);
  const Plane mean_b = Correlate(b, taps, Border::kNearest);
  const Plane aa = filtered([&](int64_t i) { return a.data[i] * a.data[i]; });
  const Plane bb = filtered([&](int64_t i) { return b.data[i] * b.data[i]; });
  const Plane ab = filtered([&](int64_t i) { return a.data[i] * b.data[i]; });
  constexpr double kC1 = 0.01 * 255 * 0.01 * 255, kC2 = 0.03 * 255 * 0.03 * 255;
  constexpr int64_t kReach = kSsimTaps / 2;
  double sum = 0;
  for (int64_t y = kReach; y < a.height - kReach; ++y) {
    for (int64_t x = kReach; x < a.width - kReach; ++x) {
      const auto i = static_cast<size_t>(y * a.width + x);
      const double ma = mean_a.data[i], mb = mean_b.data[i];
      const double variances = aa.data[i] - ma * ma + bb.data[i] - mb * mb;
      sum += (2 * ma * mb + kC1) * (2 * (ab.data[i] - ma * mb) + kC2) /
             ((ma * ma + mb * mb + kC1) * (variances + kC2));
    }
  }
  return sum / static_cast<double>((a.width - 2 * kReach) * (a.height - 2 * kReach));
}

}  // namespace t3
