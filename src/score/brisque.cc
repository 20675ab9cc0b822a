// Features, the model's file, its prediction.
#include "score/brisque.h"

#include <cmath>
#include <map>
#include <sstream>

#include "base/check.h"
#include "base/read_text.h"
#include "score/bicubic_half.h"
#include "score/mscn.h"
#include "score/per_frame.h"

namespace t3 {
namespace {

constexpr int64_t kMinSide = 32;

struct Range {
  double low, high;
};
// Of the features in training, which the model takes scaled to -1 to 1.
constexpr std::array<Range, kBrisqueFeatures> kRanges{
    {{0.336999, 9.999411}, {0.019667, 0.807472},  {0.23, 1.644021},     {-0.125959, 0.202917},
     {0.000167, 0.712384}, {0.000616, 0.468672},  {0.231, 1.644021},    {-0.125873, 0.169548},
     {0.000165, 0.713132}, {0.0006, 0.467896},    {0.241, 1.553016},    {-0.128814, 0.101368},
     {0.000179, 0.687324}, {0.000386, 0.533087},  {0.243, 1.554016},    {-0.13308, 0.101},
     {0.000182, 0.689177}, {0.000421, 0.533133},  {0.436998, 3.639918}, {0.016929, 0.800955},
     {0.247, 1.096995},    {-0.200231, 0.175286}, {0.000104, 0.755547}, {0.000834, 0.39927},
     {0.257, 1.095995},    {-0.200017, 0.155928}, {0.000112, 0.751488}, {0.000876, 0.402398},
     {0.257, 1.041992},    {-0.155072, 0.093209}, {0.000112, 0.623516}, {0.000356, 0.532925},
     {0.258, 1.042992},    {-0.154374, 0.093714}, {0.000117, 0.621958}, {0.000351, 0.534484}}};

// 18 features of one scale.
void ScaleFeatures(PlaneView luma, double* features) {
  const Plane mscn = MscnOf(luma);
  // The sample that follows in each direction; pairs at the border have none and are left out.
  constexpr std::array<std::array<int64_t, 2>, 4> kSteps{{{1, 0}, {0, 1}, {1, 1}, {-1, 1}}};
  SampleSums own;
  std::array<SampleSums, kSteps.size()> products;
  for (int64_t y = 0; y < mscn.height; ++y) {
    for (int64_t x = 0; x < mscn.width; ++x) {
      const double value = mscn.row(y)[x];
      own.Add(value);
      for (size_t k = 0; k < kSteps.size(); ++k) {
        const int64_t other_x = x + kSteps[k][0], other_y = y + kSteps[k][1];
        if (other_x >= 0 && other_x < mscn.width && other_y < mscn.height)
          products[k].Add(value * mscn.row(other_y)[other_x]);
      }
    }
  }
  const AsymmetricGaussian fit = FitAsymmetricGaussian(own);
  const auto square = [](double value) { return value * value; };
  *features++ = fit.shape;
  *features++ = (square(fit.left_deviation) + square(fit.right_deviation)) / 2;
  for (const SampleSums& sums : products) {
    const AsymmetricGaussian pair = FitAsymmetricGaussian(sums);
    for (const double value :
         {pair.shape, pair.mean, square(pair.left_deviation), square(pair.right_deviation)})
      *features++ = value;
  }
}

class BrisqueOfClip : public ClipMetric {
 public:
  explicit BrisqueOfClip(const BrisqueModel& model) : model_(model) {}
  void Add(const ScoreFrame& frame) override {
    sum_ += model_.Score(BrisqueFeaturesOf({frame.width, frame.height, frame.luma}));
    ++frames_;
  }
  MetricValues Finish() override { return {{"brisque", sum_ / static_cast<double>(frames_)}}; }

 private:
  const BrisqueModel& model_;
  double sum_ = 0;
  int64_t frames_ = 0;
};

class Brisque : public Metric {
 public:
  explicit Brisque(BrisqueModel model) : model_(std::move(model)) {}
  std::unique_ptr<ClipMetric> Start(const ClipInfo& clip) override {
    CheckClipSize("brisque", clip, kMinSide);
    return std::make_unique<BrisqueOfClip>(model_);
  }

 private:
  BrisqueModel model_;
};

// The lines before "SV", name to value.
std::map<std::string, std::string> ReadHeader(std::istream& text) {
  constexpr int kMaxLines = 32;
  std::map<std::string, std::string> header;
  std::string line;
  for (int i = 0; i < kMaxLines && std::getline(text, line) && !line.starts_with("SV"); ++i) {
    const size_t space = line.find(' ');
    if (space != std::string::npos) header[line.substr(0, space)] = line.substr(space + 1);
  }
  return header;
}

bool ReadNumber(std::istream& text, double& value) {
  return static_cast<bool>(text >> value) && std::isfinite(value);
}

double HeaderNumber(const std::map<std::string, std::string>& header, const std::string& name,
                    const std::string& path) {
  const auto found = header.find(name);
  double value = 0;
  if (found != header.end()) {
    std::istringstream text(found->second);
    if (ReadNumber(text, value)) return value;
  }
  Fail("{} is not a BRISQUE model: its header has no number {}", path, name);
}

}  // namespace

BrisqueFeatures BrisqueFeaturesOf(PlaneView luma) {
  BrisqueFeatures features;
  ScaleFeatures(luma, features.data());
  ScaleFeatures(BicubicHalfSharp(luma).view(), features.data() + kBrisqueFeatures / 2);
  return features;
}

BrisqueModel BrisqueModel::Read(const std::string& path) { return Parse(ReadText(path), path); }

BrisqueModel BrisqueModel::Parse(const std::string& bytes, const std::string& path) {
  std::istringstream text(bytes);
  const auto header = ReadHeader(text);
  const auto has = [&](const char* name, const char* value) {
    const auto found = header.find(name);
    return found != header.end() && found->second.starts_with(value);
  };
  T3_CHECK(has("svm_type", "epsilon_svr") && has("kernel_type", "rbf"),
           "{} is not a BRISQUE model; wanted libsvm's text of an epsilon_svr with kernel rbf",
           path);
  BrisqueModel model;
  model.gamma_ = HeaderNumber(header, "gamma", path);
  model.rho_ = HeaderNumber(header, "rho", path);
  std::string line;
  while (std::getline(text, line)) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    std::istringstream fields(line);
    Vector& vector = model.vectors_.emplace_back();
    bool good = ReadNumber(fields, vector.coefficient);
    int64_t index = 0;
    char colon = 0;
    double value = 0;
    while (good && fields >> index) {
      good = index >= 1 && index <= std::ssize(vector.values) && fields >> colon && colon == ':' &&
             ReadNumber(fields, value);
      if (good) vector.values[static_cast<size_t>(index - 1)] = value;
    }
    T3_CHECK(good && fields.eof(), "{}: support vector {} is not COEFFICIENT 1:VALUE ... 36:VALUE",
             path, model.vectors_.size());
  }
  T3_CHECK(static_cast<double>(model.vectors_.size()) == HeaderNumber(header, "total_sv", path),
           "{} is cut short: it has {} support vectors of {}", path, model.vectors_.size(),
           header.at("total_sv"));
  return model;
}

double BrisqueModel::Score(const BrisqueFeatures& features) const {
  double score = -rho_;
  for (const Vector& vector : vectors_) {
    double distance = 0;
    for (size_t i = 0; i < features.size(); ++i) {
      const auto [low, high] = kRanges[i];
      const double difference = -1 + 2 / (high - low) * (features[i] - low) - vector.values[i];
      distance += difference * difference;
    }
    score += vector.coefficient * std::exp(-gamma_ * distance);
  }
  return score;
}

std::unique_ptr<Metric> OpenBrisque(const MetricSetup& setup) {
  return std::make_unique<Brisque>(BrisqueModel::Read(setup.weights));
}

}  // namespace t3
