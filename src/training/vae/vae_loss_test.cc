// The VAE's loss: terms by hand, gradients by differences, and that training lowers it.
#include "training/vae/vae_loss.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "models/vae/testing/random_vae.h"
#include "t3video/error.h"

namespace t3 {
namespace {

constexpr VaeLossOptions kAllTerms{.reconstruction_weight = 1,
                                   .charbonnier = 0.1,
                                   .kl_weight = 0.3,
                                   .gradient_weight = 0.5,
                                   .laplacian_weight = 0.7,
                                   .laplacian_levels = 3,
                                   .texture_weight = 0.4,
                                   .flicker_weight = 0.6};

TensorMap TrainableVae(const VaeConfig& config, uint64_t seed, at::ScalarType dtype) {
  TensorMap weights;
  for (const auto& [name, tensor] : RandomVaeTensors(config, seed)) {
    weights[name] = tensor.to(dtype).requires_grad_();
  }
  return weights;
}

double Value(const at::Tensor& scalar) { return scalar.item<double>(); }

TEST(VaeLossTerms, KlOfAStandardNormalIsZero) {
  EXPECT_EQ(Value(KlTerm(at::zeros({2, 6, 1, 2, 2}))), 0);
  // Mean 2, log variance 1: (4 + e - 1 - 1) / 2.
  const at::Tensor moments =
      at::cat({at::full({3, 1, 2, 2}, 2., at::kDouble), at::ones({3, 1, 2, 2}, at::kDouble)}, 0);
  EXPECT_NEAR(Value(KlTerm(moments)), (2 + std::exp(1.)) / 2, 1e-12);
}

TEST(VaeLossTerms, GradientOfARampIsItsSlope) {
  const at::Tensor ramp = at::arange(6, at::kDouble).view({1, 1, 6}).expand({3, 2, 4, 6});
  EXPECT_NEAR(Value(GradientTerm(ramp * 0.25)), 0.25, 1e-12);
  EXPECT_EQ(Value(GradientTerm(at::full({3, 2, 4, 6}, 7., at::kDouble))), 0);
  EXPECT_EQ(Value(GradientTerm(at::ones({3, 1, 1, 1}, at::kDouble))), 0);
}

// The same pyramid in plain loops.
double PlainLaplacian(std::vector<std::vector<double>> x, int levels) {
  constexpr double kTaps[] = {1, 4, 6, 4, 1};
  double sum = 0;
  for (int level = 1;; ++level) {
    const int64_t height = std::ssize(x), width = std::ssize(x[0]);
    const bool last = level == levels || height == 1 || width == 1;
    std::vector<std::vector<double>> blurred = x;
    double difference = 0;
    for (int64_t i = 0; i < height; ++i) {
      for (int64_t j = 0; j < width; ++j) {
        double blur = 0;
        for (int64_t a = 0; a < 5 && !last; ++a) {
          for (int64_t b = 0; b < 5; ++b) {
            const auto row = static_cast<size_t>(std::clamp<int64_t>(i + a - 2, 0, height - 1));
            const auto column = static_cast<size_t>(std::clamp<int64_t>(j + b - 2, 0, width - 1));
            blur += kTaps[a] * kTaps[b] / 256 * x[row][column];
          }
        }
        blurred[static_cast<size_t>(i)][static_cast<size_t>(j)] = blur;
        difference += std::abs(x[static_cast<size_t>(i)][static_cast<size_t>(j)] - blur);
      }
    }
    sum += difference / static_cast<double>(height * width);
    if (last) return sum;
    x.clear();
    for (size_t i = 0; i < blurred.size(); i += 2) {
      std::vector<double>& row = x.emplace_back();
      for (size_t j = 0; j < blurred[i].size(); j += 2) row.push_back(blurred[i][j]);
    }
  }
}

TEST(VaeLossTerms, LaplacianEqualsItsDefinitionAtOddSizes) {
  EXPECT_NEAR(Value(LaplacianTerm(at::full({3, 2, 9, 7}, 0.5, at::kDouble), 4)), 0.5, 1e-12);
  for (const int64_t width : {1, 2, 7}) {
    const at::Tensor d = SeededNoise({9, width}, 3).to(at::kDouble);
    std::vector<std::vector<double>> rows;
    for (int64_t i = 0; i < 9; ++i) {
      const double* row = d[i].const_data_ptr<double>();
      rows.emplace_back(row, row + width);
    }
    for (const int levels : {1, 2, 5}) {
      EXPECT_NEAR(Value(LaplacianTerm(d.view({1, 1, 9, width}), levels)),
                  PlainLaplacian(rows, levels), 1e-12);
    }
  }
}

// Block means and second differences in plain loops.
double PlainFlicker(const at::Tensor& d, int64_t size) {
  const int64_t rows = d.size(-2) / size, columns = d.size(-1) / size, frames = d.size(-3);
  double sum = 0;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      std::vector<double> means;
      for (int64_t t = 0; t < frames; ++t) {
        means.push_back(Value(d[0][t].narrow(0, i * size, size).narrow(1, j * size, size).sum() /
                              (size * size)));
      }
      for (size_t t = 1; t + 1 < means.size(); ++t)
        sum += std::abs(means[t - 1] - 2 * means[t] + means[t + 1]);
    }
  }
  return sum / static_cast<double>(rows * columns * (frames - 2));
}

TEST(VaeLossTerms, FlickerEqualsItsDefinitionAtOddSizes) {
  const at::Tensor d = SeededNoise({1, 5, 37, 70}, 4).to(at::kDouble);
  EXPECT_NEAR(Value(FlickerTerm(d)), PlainFlicker(d, 16) + 2 * PlainFlicker(d, 32), 1e-12);
  // A brightness that changes at a constant rate does not jump, and two frames cannot.
  const at::Tensor ramp = at::arange(5, at::kDouble).view({1, 5, 1, 1}).expand({3, 5, 16, 16});
  EXPECT_EQ(Value(FlickerTerm(ramp)), 0);
  EXPECT_EQ(Value(FlickerTerm(d.narrow(1, 0, 2))), 0);
  EXPECT_EQ(Value(FlickerTerm(d.narrow(2, 0, 15))), 0);
}

TEST(SampleLatentsTest, DependsOnSeedAndStepAlone) {
  const at::Tensor moments = SeededNoise({2, 6, 2, 3, 1}, 2);
  const at::Tensor first = SampleLatents(moments, 5, 7);
  EXPECT_TRUE(first.equal(SampleLatents(moments, 5, 7)));
  EXPECT_FALSE(first.equal(SampleLatents(moments, 5, 8)));
  EXPECT_FALSE(first.equal(SampleLatents(moments, 6, 7)));
  EXPECT_EQ(first.size(1), 3);
}

TEST(SampleLatentsTest, HasTheMomentsItIsGiven) {
  const at::Tensor mean = at::full({1, 1, 200, 100}, 3.f);
  const at::Tensor moments = at::cat({mean, at::full_like(mean, std::log(0.25))}, 0);
  const at::Tensor drawn = SampleLatents(moments, 1, 1);
  // 20,000 draws of standard deviation 0.5: five standard errors.
  EXPECT_NEAR(Value(drawn.mean()), 3, 5 * 0.5 / std::sqrt(20000));
  EXPECT_NEAR(Value(drawn.std()), 0.5, 5 * 0.5 / std::sqrt(40000));
  // A log variance beyond reason is held to e^20.
  EXPECT_TRUE(SampleLatents(at::full({2, 1, 2, 2}, 1e6f), 1, 1).isfinite().all().item<bool>());
}

// Waves of the shortest period: the blur takes all of them, so that they are the finest band.
at::Tensor Checkers(int64_t height, int64_t width, double amplitude) {
  const at::Tensor sum = at::arange(height).unsqueeze(1) + at::arange(width);
  return (1 - 2 * sum.remainder(2)).to(at::kDouble) * amplitude;
}

TEST(VaeLossTerms, TextureComparesHowMuchNotWhere) {
  // Blocks away from the edges, where the blur repeats pixels.
  const at::Tensor strong = Checkers(64, 64, 0.3).view({1, 1, 64, 64});
  const at::Tensor weak = Checkers(64, 64, 0.1).view({1, 1, 64, 64});
  EXPECT_NEAR(Value(TextureTerm(strong, weak)), 0.2, 0.2 * 0.02);
  EXPECT_EQ(Value(TextureTerm(strong, -strong)), 0);  // moved by a pixel
  EXPECT_NEAR(Value(TextureTerm(strong, at::zeros_like(strong))), 0.3, 0.3 * 0.02);
  // What is flat has none, whatever its level.
  EXPECT_EQ(Value(TextureTerm(at::ones_like(strong), at::zeros_like(strong))), 0);
}

class VaeLossOf : public testing::TestWithParam<VaeVersion> {};
INSTANTIATE_TEST_SUITE_P(Both, VaeLossOf, testing::Values(VaeVersion::k21, VaeVersion::k22));

// "encoder.downsamples.1.residual.2.weight" -> "encoder.downsamples.1".
std::string PartOf(const std::string& name) {
  size_t end = 0;
  for (int i = 0; i < 3 && end != std::string::npos; ++i) end = name.find('.', end + 1);
  return name.substr(0, end);
}

// Every part of the VAE by itself, along a random direction; frames of odd sizes.
TEST_P(VaeLossOf, GradientsMatchDifferencesInDouble) {
  const VaeConfig config = SmallVaeConfig(GetParam(), 3, 4, 4);
  const TensorMap weights = TrainableVae(config, 8, at::kDouble);
  const int64_t stride = config.spatial_stride();
  const at::Tensor video = SeededNoise({1, 3, 5, 3 * stride, stride}, 9).to(at::kDouble) * 0.5;
  const auto loss = [&](const TensorMap& tensors) {
    return VaeLoss(Vae(config, tensors), video, kAllTerms, 3, 4).total;
  };
  loss(weights).backward();
  const c10::NoGradGuard no_grad;
  std::map<std::string, TensorMap> parts;
  uint64_t seed = 100;
  for (const auto& [name, tensor] : weights) {
    ASSERT_TRUE(tensor.grad().defined()) << name;
    const at::Tensor direction = SeededNoise(tensor.sizes(), ++seed).to(at::kDouble);
    parts[PartOf(name)][name] = direction / direction.norm();
  }
  EXPECT_GT(parts.size(), 15u);
  for (const auto& [part, directions] : parts) {
    const auto shifted = [&, &own = directions](double step) {
      TensorMap moved = weights;
      for (const auto& [name, direction] : own) moved[name] = weights.at(name) + step * direction;
      return Value(loss(moved));
    };
    // Rounding costs about 1e-15 / step. The step must be small compared with the distance of
    // elements from the absolute value's kink and of the norms' inputs from zero.
    constexpr double kStep = 1e-7;
    const double difference = (shifted(kStep) - shifted(-kStep)) / (2 * kStep);
    double derivative = 0;
    for (const auto& [name, direction] : directions) {
      derivative += Value((weights.at(name).grad() * direction).sum());
    }
    EXPECT_NEAR(difference, derivative, 1e-6 * (1 + std::abs(derivative))) << part;
  }
}

TEST_P(VaeLossOf, TotalIsTheWeightedSumOfItsTerms) {
  const c10::NoGradGuard no_grad;
  const VaeConfig config = SmallVaeConfig(GetParam(), 3, 4, 4);
  const Vae vae(config, RandomVaeTensors(config, 1));
  const int64_t side = config.spatial_stride();
  const at::Tensor images = SeededNoise({2, 3, 1, side, side}, 2).clamp(-1, 1);  // F = 1
  const VaeLossResult result = VaeLoss(vae, images, kAllTerms, 1, 2);
  const double weights[] = {1, 0.3, 0.5, 0.7, 0.4, 0.6};
  double sum = 0;
  ASSERT_EQ(result.terms.size(), 6u);
  for (size_t i = 0; i < 6; ++i) sum += weights[i] * Value(result.terms[i].second);
  EXPECT_NEAR(Value(result.total), sum, 1e-5 * sum);
  EXPECT_EQ(VaeLoss(vae, images, {.kl_weight = 0}, 1, 2).terms.size(), 1u);
}

TEST_P(VaeLossOf, ThirtyStepsOfAdamLowerIt) {
  const VaeConfig config = SmallVaeConfig(GetParam(), 4, 4, 4);
  TensorMap weights = TrainableVae(config, 21, at::kFloat);
  const int64_t side = 16;
  // Slow waves, as pictures have them.
  const at::Tensor x = at::arange(side, at::kFloat) * 0.3, t = at::arange(5, at::kFloat) * 0.2;
  const at::Tensor wave = (x.view({1, 1, side, 1}) + t.view({1, 5, 1, 1})).sin() *
                          (x.view({1, 1, 1, side}) - t.view({1, 5, 1, 1})).cos();
  const at::Tensor video = at::cat({wave, wave * 0.5, -wave}, 0);

  std::map<std::string, std::pair<at::Tensor, at::Tensor>> moments;
  std::vector<double> losses;
  for (int64_t step = 1; step <= 31; ++step) {
    const at::Tensor loss =
        VaeLoss(Vae(config, weights), video, {.gradient_weight = 0.5}, 1, step).total;
    losses.push_back(Value(loss));
    loss.backward();
    const c10::NoGradGuard no_grad;
    for (auto& [name, weight] : weights) {
      auto& [first, second] = moments[name];
      if (!first.defined()) first = at::zeros_like(weight), second = at::zeros_like(weight);
      first = 0.9 * first + 0.1 * weight.grad();
      second = 0.95 * second + 0.05 * weight.grad().square();
      const double steps = static_cast<double>(step);
      const at::Tensor deviation = (second / (1 - std::pow(0.95, steps))).sqrt() + 1e-8;
      weight.sub_(first / (1 - std::pow(0.9, steps)) / deviation, 3e-3);
      weight.mutable_grad().reset();
    }
  }
  EXPECT_LT(losses.back(), 0.6 * losses.front()) << losses.front() << " -> " << losses.back();
}

TEST(VaeLossOptionsTest, SenselessOnesAreRefused) {
  const VaeConfig config = SmallVaeConfig(VaeVersion::k21, 3, 4, 4);
  const Vae vae(config, RandomVaeTensors(config, 1));
  const at::Tensor image = at::zeros({3, 1, 8, 8});
  EXPECT_THROW(VaeLoss(vae, image, {.kl_weight = -1}, 0, 0), Error);
  EXPECT_THROW(VaeLoss(vae, image, {.kl_weight = NAN}, 0, 0), Error);
  EXPECT_THROW(VaeLoss(vae, image, {.reconstruction_weight = 0}, 0, 0), Error);
  EXPECT_THROW(VaeLoss(vae, image, {.laplacian_levels = 0}, 0, 0), Error);
}

}  // namespace
}  // namespace t3
