// BT.2100 (PQ, HLG), BT.2390 (tone mapping), BT.2087 (gamut), by tables.
#include "media/hdr_to_sdr.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "media/row_bands.h"

namespace t3 {
namespace {

constexpr double kWhite = 203;  // cd/m2 of SDR white; light below is in units of it
constexpr double kPeak = 1000;  // cd/m2 that become SDR white
constexpr double kSdrGamma = 2.4;

double PqToLight(double code) {
  constexpr double kM1 = 2610.0 / 16384, kM2 = 2523.0 / 4096 * 128;
  constexpr double kC1 = 3424.0 / 4096, kC2 = 2413.0 / 4096 * 32, kC3 = 2392.0 / 4096 * 32;
  const double power = std::pow(code, 1 / kM2);
  return 10000 * std::pow(std::max(power - kC1, 0.0) / (kC2 - kC3 * power), 1 / kM1);
}

double LightToPq(double light) {
  constexpr double kM1 = 2610.0 / 16384, kM2 = 2523.0 / 4096 * 128;
  constexpr double kC1 = 3424.0 / 4096, kC2 = 2413.0 / 4096 * 32, kC3 = 2392.0 / 4096 * 32;
  const double power = std::pow(light / 10000, kM1);
  return std::pow((kC1 + kC2 * power) / (1 + kC3 * power), kM2);
}

// Scene light in [0, 1], to which the display's gamma is still to be applied.
double HlgToScene(double code) {
  constexpr double kA = 0.17883277, kB = 1 - 4 * kA;
  const double c = 0.5 - kA * std::log(4 * kA);
  return code <= 0.5 ? code * code / 3 : (std::exp((code - c) / kA) + kB) / 12;
}

// BT.2390-10, 5.4.1: cd/m2 to cd/m2, black to black, kPeak to kWhite.
double ToneMapped(double light) {
  const double peak = LightToPq(kPeak), target = LightToPq(kWhite) / peak;
  const double knee = 1.5 * target - 0.5;
  const double code = std::min(LightToPq(light) / peak, 1.0);
  if (code <= knee) return light;
  const double t = (code - knee) / (1 - knee), t2 = t * t, t3 = t2 * t;
  const double mapped =
      (2 * t3 - 3 * t2 + 1) * knee + (t3 - 2 * t2 + t) * (1 - knee) + (-2 * t3 + 3 * t2) * target;
  return PqToLight(mapped * peak);
}

// A function on [0, 1], interpolated linearly between samples.
class Curve {
 public:
  template <typename Function>
  explicit Curve(const Function& function) : samples_(kSamples + 1) {
    for (int i = 0; i <= kSamples; ++i) {
      samples_[i] = static_cast<float>(function(static_cast<double>(i) / kSamples));
    }
  }
  float operator()(float x) const {
    const float place = std::clamp(x, 0.f, 1.f) * kSamples;
    const int i = std::min(static_cast<int>(place), kSamples - 1);
    return samples_[i] + (samples_[i + 1] - samples_[i]) * (place - static_cast<float>(i));
  }

 private:
  static constexpr int kSamples = 4096;
  std::vector<float> samples_;
};

using Matrix = std::array<std::array<float, 3>, 3>;

// Linear light to that of BT.709; all have the white D65.
Matrix ToBt709Primaries(Gamut gamut) {
  switch (gamut) {
    case Gamut::kBt2020:
      return {{{1.660491f, -0.587641f, -0.072850f},
               {-0.124550f, 1.132900f, -0.008349f},
               {-0.018151f, -0.100579f, 1.118730f}}};
    case Gamut::kDisplayP3:
      return {{{1.224940f, -0.224940f, 0.f},
               {-0.042057f, 1.042057f, 0.f},
               {-0.019638f, -0.078636f, 1.098274f}}};
    case Gamut::kBt709:
      break;
  }
  return {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
}

class Converter {
 public:
  explicit Converter(const ColourVolume& from)
      : hlg_(from.transfer == Transfer::kHlg),
        compress_(from.transfer != Transfer::kBt1886),
        matrix_(ToBt709Primaries(from.gamut)),
        to_light_([&](double code) {
          if (from.transfer == Transfer::kPq) return PqToLight(code) / kWhite;
          if (from.transfer == Transfer::kHlg) return HlgToScene(code);
          return std::pow(code, kSdrGamma);
        }),
        // Over the fourth root of light, where the eye's steps are nearly even.
        gain_([](double root) {
          const double light = std::pow(root, 4) * kPeak;
          return light > 0 ? ToneMapped(light) / light : 1.0;
        }),
        // Over the square root.
        to_code_([](double root) { return std::pow(root, 2 / kSdrGamma); }) {}

  void Convert(float& red, float& green, float& blue) const {
    const std::array<float, 3> in{to_light_((red + 1) / 2), to_light_((green + 1) / 2),
                                  to_light_((blue + 1) / 2)};
    const float display = hlg_ ? HlgDisplay(in) : 1.f;
    std::array<float, 3> light{};
    for (int row = 0; row < 3; ++row) {
      const auto& m = matrix_[row];
      light[row] = std::max(display * (m[0] * in[0] + m[1] * in[1] + m[2] * in[2]), 0.f);
    }
    if (compress_) Compress(light);
    red = Code(light[0]), green = Code(light[1]), blue = Code(light[2]);
  }

 private:
  // BT.2100's OOTF of a 1,000 cd/m2 display: luminance to the power 1.2, in units of kWhite.
  static float HlgDisplay(const std::array<float, 3>& scene) {
    const float luminance = 0.2627f * scene[0] + 0.6780f * scene[1] + 0.0593f * scene[2];
    return static_cast<float>(kPeak / kWhite) * std::pow(luminance, 0.2f);
  }
  void Compress(std::array<float, 3>& light) const {
    constexpr auto kScale = static_cast<float>(kWhite / kPeak);
    const float largest = *std::max_element(light.begin(), light.end());
    // Beyond the peak the curve ends: what is brighter becomes white.
    const float inside = std::min(largest * kScale, 1.f);
    if (inside <= 0) return;
    const float factor = gain_(std::sqrt(std::sqrt(inside))) * inside / (largest * kScale);
    for (float& value : light) value *= factor;
  }
  float Code(float light) const { return 2 * to_code_(std::sqrt(std::min(light, 1.f))) - 1; }

  bool hlg_, compress_;
  Matrix matrix_;
  Curve to_light_, gain_, to_code_;
};

}  // namespace

void ToBt709(const ColourVolume& from, int64_t pixels, float* rgb, int threads) {
  const Converter converter(from);
  ParallelBands(pixels, threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      converter.Convert(rgb[i], rgb[i + pixels], rgb[i + 2 * pixels]);
    }
  });
}

}  // namespace t3
