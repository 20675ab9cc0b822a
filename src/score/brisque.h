// BRISQUE: a support vector regression on the statistics of a picture
// (Mittal, Moorthy and Bovik, IEEE TIP 21(12), 2012).
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "score/metric.h"
#include "score/plane.h"

namespace t3 {

inline constexpr size_t kBrisqueFeatures = 36;
using BrisqueFeatures = std::array<double, kBrisqueFeatures>;

// Of luma in levels.
BrisqueFeatures BrisqueFeaturesOf(PlaneView luma);

// An epsilon-SVR with a radial kernel, as libsvm stores it in text.
class BrisqueModel {
 public:
  // Throws Error that names the file where it is not such a model of 36 features.
  static BrisqueModel Read(const std::string& path);
  // Of a file's text; `path` is for messages.
  static BrisqueModel Parse(const std::string& text, const std::string& path);
  // About 0 (good) to 100 (bad).
  double Score(const BrisqueFeatures& features) const;

 private:
  struct Vector {
    double coefficient = 0;
    BrisqueFeatures values{};
  };
  double gamma_ = 0, rho_ = 0;
  std::vector<Vector> vectors_;
};

// setup.weights: the model's file.
std::unique_ptr<Metric> OpenBrisque(const MetricSetup& setup);

}  // namespace t3
