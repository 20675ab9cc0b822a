// The VAE's elementwise ops against their formulas in fp64 at odd sizes, on the CPU and on a GPU.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "ops/feature_map/add_map.h"
#include "ops/feature_map/bias_relu.h"
#include "ops/feature_map/norm_silu.h"
#include "ops/feature_map/place_phases.h"
#include "t3video/error.h"

namespace t3 {
namespace {

const at::Device kMapDevice(T3_TEST_DEVICE);

at::Tensor RandomMap(at::IntArrayRef sizes, uint64_t seed) {
  return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(seed)).to(kMapDevice);
}

// One rounding of the result, and some for the arithmetic: NaN fails.
void ExpectMapsNear(const at::Tensor& got, const at::Tensor& want) {
  ASSERT_EQ(got.sizes(), want.sizes());
  const double unit = got.scalar_type() == at::kBFloat16 ? 1.0 / 256 : 2e-6;
  const at::Tensor error = (got.to(at::kDouble) - want).abs();
  EXPECT_TRUE((error <= unit * (want.abs() + 1)).all().item<bool>()) << error.max().item<double>();
}

struct MapSizes {
  int64_t frames, rows, columns, channels;
};

void PrintTo(const MapSizes& s, std::ostream* out) {
  *out << s.frames << "x" << s.rows << "x" << s.columns << "x" << s.channels;
}

class FeatureMap : public ::testing::TestWithParam<std::tuple<MapSizes, at::ScalarType>> {
 protected:
  FeatureMap() : sizes_(std::get<0>(GetParam())), dtype_(std::get<1>(GetParam())) {}

  at::Tensor Map(int64_t rows, uint64_t seed) const {
    return RandomMap({sizes_.frames, rows, sizes_.columns, sizes_.channels}, seed).to(dtype_);
  }
  // Some rows of a larger map: frames lie apart.
  at::Tensor Part(uint64_t seed) const {
    return Map(sizes_.rows + 3, seed).narrow(1, 2, sizes_.rows);
  }
  at::Tensor Vector(uint64_t seed) const { return RandomMap({sizes_.channels}, seed); }

  MapSizes sizes_;
  at::ScalarType dtype_;
  c10::NoGradGuard no_grad_;
};

// Every width that a kernel has a path for (1 to 8 vectors per lane), the VAEs' among them, and
// widths that no kernel supports.
INSTANTIATE_TEST_SUITE_P(
    Sizes, FeatureMap,
    testing::Combine(testing::Values(MapSizes{1, 1, 1, 8}, MapSizes{3, 5, 7, 16},
                                     MapSizes{2, 3, 5, 96}, MapSizes{1, 4, 3, 192},
                                     MapSizes{2, 2, 3, 256}, MapSizes{2, 3, 3, 384},
                                     MapSizes{1, 2, 3, 1024}, MapSizes{2, 1, 5, 160},
                                     MapSizes{1, 3, 2, 640}, MapSizes{2, 3, 4, 5},
                                     MapSizes{1, 2, 2, 4104}),
                     testing::Values(at::kFloat, at::kBFloat16)));

TEST_P(FeatureMap, NormSilu) {
  const at::Tensor x = Part(1), bias = Vector(2), gamma = Vector(3);
  const at::Tensor sum = x.to(at::kDouble) + bias;
  const at::Tensor normed = sum / sum.square().sum(3, true).sqrt().clamp_min(1e-12) * gamma;
  const at::Tensor silu = normed * at::sigmoid(normed);
  for (int64_t first_row : {-1, 0, 1}) {
    const int64_t rows = sizes_.rows + 1;  // rows beyond x on at least one side
    const auto padded = [&](const at::Tensor& y) {
      const at::Tensor wide = at::constant_pad_nd(y, at::IntArrayRef{0, 0, 0, 0, 1, 2});
      return wide.narrow(1, first_row + 1, rows);
    };
    const at::Tensor out =
        at::full({sizes_.frames, rows, sizes_.columns, sizes_.channels}, NAN, x.options());
    NormSilu(x, {.bias = bias, .gamma = gamma, .silu = true}, first_row, out);
    ExpectMapsNear(out, padded(silu));
    NormSilu(x, {.bias = bias, .gamma = gamma, .silu = false}, first_row, out);
    ExpectMapsNear(out, padded(normed));
    NormSilu(x, {.bias = {}, .gamma = {}, .silu = false}, first_row, out);
    EXPECT_TRUE(at::equal(out.to(at::kDouble), padded(x.to(at::kDouble))));
  }
}

TEST_P(FeatureMap, NormOfZeroIsZero) {
  const at::Tensor x = at::zeros_like(Map(sizes_.rows, 1)), out = at::empty_like(x);
  NormSilu(x, {.bias = {}, .gamma = Vector(2), .silu = true}, 0, out);
  EXPECT_EQ(out.abs().max().item<float>(), 0);
}

TEST_P(FeatureMap, AddMap) {
  const at::Tensor y = Map(sizes_.rows, 4), x = Part(5), bias = Vector(6);
  const at::Tensor want = y.to(at::kDouble) + bias + x.to(at::kDouble);
  AddMap(y, bias, x);
  ExpectMapsNear(y, want);
}

TEST_P(FeatureMap, BiasRelu) {
  const at::Tensor y = Map(sizes_.rows, 4), x = Map(sizes_.rows, 5), bias = Vector(6);
  const at::Tensor out = at::full_like(y, NAN);
  const at::Tensor sum = y.to(at::kDouble) + bias;
  BiasRelu(y, bias, x, out);
  ExpectMapsNear(out, (sum + x.to(at::kDouble)).clamp_min(0));
  BiasRelu(y, {}, {}, out);
  ExpectMapsNear(out, y.to(at::kDouble).clamp_min(0));
  BiasRelu(y, bias, {}, y);  // in place
  ExpectMapsNear(y, sum.clamp_min(0));
}

TEST_P(FeatureMap, PlacePhases) {
  const auto& [frames, rows, columns, channels] = sizes_;
  const at::Tensor phases = RandomMap({frames, rows + 1, columns + 1, 4 * channels}, 7).to(dtype_);
  const at::Tensor bias = Vector(8);
  at::Tensor whole =
      at::empty({frames, 2 * rows, 2 * columns, channels}, bias.options().dtype(at::kDouble));
  for (int64_t p = 0; p < 2; ++p) {
    for (int64_t q = 0; q < 2; ++q) {
      whole.slice(1, p, std::nullopt, 2)
          .slice(2, q, std::nullopt, 2)
          .copy_(phases.narrow(1, p, rows)
                     .narrow(2, q, columns)
                     .narrow(3, (2 * p + q) * channels, channels)
                     .to(at::kDouble) +
                 bias);
    }
  }
  for (int64_t first : {0, 1}) {
    const int64_t count = 2 * rows - first;
    const at::Tensor out = at::full({frames, count, 2 * columns, channels}, NAN, phases.options());
    PlacePhases(phases, bias, {}, first, out);
    ExpectMapsNear(out, whole.narrow(1, first, count));
  }
}

TEST_P(FeatureMap, PlacePhasesWithAShortcut) {
  const auto& [frames, rows, columns, channels] = sizes_;
  for (int64_t factor : {1, 2}) {
    for (int64_t dropped = 0; dropped < factor; ++dropped) {
      for (int64_t in : {channels, 2 * channels}) {
        const int64_t repeats = channels * factor * 4 / in;
        const at::Tensor source =
            RandomMap({(frames + dropped + factor - 1) / factor, rows + 2, columns, in}, 9)
                .to(dtype_);
        const at::Tensor phases =
            RandomMap({frames, rows + 1, columns + 1, 4 * channels}, 10).to(dtype_);
        const at::Tensor bias = Vector(11);
        const at::Tensor out =
            at::full({frames, 2 * rows, 2 * columns, channels}, NAN, phases.options());
        PlacePhases(phases, bias, {}, 0, out);
        // The formula of models/vae/shortcut.h, pixel by pixel.
        const at::Tensor from = source.to(at::kDouble).cpu();
        at::Tensor added = at::zeros({frames, 2 * rows, 2 * columns, channels}, at::kDouble);
        for (int64_t g = dropped; g < frames + dropped; ++g) {
          for (int64_t b = 0; b < 2; ++b) {
            for (int64_t d = 0; d < 2; ++d) {
              const at::Tensor picked =
                  ((at::arange(channels, at::kLong) * factor + g % factor) * 4 + 2 * b + d)
                      .floor_divide(repeats);
              added[g - dropped]
                  .slice(0, b, std::nullopt, 2)
                  .slice(1, d, std::nullopt, 2)
                  .copy_(at::index_select(from[g / factor].narrow(0, 1, rows), 2, picked));
            }
          }
        }
        const at::Tensor want = added.to(kMapDevice) + [&] {
          const at::Tensor wide = at::empty_like(out, out.options().dtype(at::kFloat));
          PlacePhases(phases.to(at::kFloat), bias, {}, 0, wide);
          return wide.to(at::kDouble);
        }();
        PlacePhases(phases, bias,
                    {.source = source, .first_row = 1, .time_factor = factor, .dropped = dropped},
                    0, out);
        ExpectMapsNear(out, want);
      }
    }
  }
}

TEST(FeatureMapChecks, WrongMapsAreRefused) {
  const at::Tensor x = RandomMap({1, 2, 3, 8}, 1), bias = RandomMap({8}, 2);
  EXPECT_THROW(AddMap((x * 1).requires_grad_(), bias, x), Error);
  EXPECT_THROW(NormSilu((x * 1).requires_grad_(), {}, 0, x * 1), Error);
  EXPECT_THROW(AddMap(x, bias, RandomMap({1, 2, 3, 16}, 1)), Error);
  EXPECT_THROW(AddMap(x, bias, x.transpose(1, 2)), Error);
  EXPECT_THROW(BiasRelu(x, bias, RandomMap({1, 2, 3, 16}, 1), x), Error);
  EXPECT_THROW(BiasRelu(x, bias, {}, x.transpose(1, 2)), Error);
  EXPECT_THROW(NormSilu(x, {}, 0, RandomMap({2, 2, 3, 8}, 1)), Error);
  EXPECT_THROW(PlacePhases(RandomMap({1, 3, 4, 32}, 1), bias, {}, 1, RandomMap({1, 4, 6, 8}, 1)),
               Error);
}

}  // namespace
}  // namespace t3
