// e4m3 codes against a table made from the format's definition; scales of rows; what the producers
// give against what they would give in fp32.
#include "ops/fp8/quantise.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "ops/modulate/modulate.h"
#include "t3video/error.h"

namespace t3 {
namespace {

const at::Device kQuantiseDevice(T3_TEST_DEVICE);

// The value of a code: a sign, 4 bits of exponent with bias 7, 3 bits of mantissa; S.1111.111 is
// NaN.
double CodeValue(int code) {
  const int exponent = code >> 3 & 15, mantissa = code & 7;
  if (exponent == 15 && mantissa == 7) return std::numeric_limits<double>::quiet_NaN();
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
  return code & 128 ? -magnitude : magnitude;
}

// The code of the nearest value, of two the even one; beyond 448 that of 448.
int NearestCode(double x) {
  int best = 0;
  for (int code = 1; code < 127; ++code) {  // magnitudes rise with the code
    const double before = std::abs(std::abs(x) - CodeValue(best));
    const double now = std::abs(std::abs(x) - CodeValue(code));
    if (now < before || (now == before && code % 2 == 0)) best = code;
  }
  return std::signbit(x) ? best | 128 : best;
}

at::Tensor CodesOf(const at::Tensor& fp8) { return fp8.view(at::kByte).to(at::kCPU).view({-1}); }

void ExpectCodes(const at::Tensor& fp8, const std::vector<double>& values) {
  const at::Tensor codes = CodesOf(fp8);
  for (size_t i = 0; i < values.size(); ++i) {
    const int got = codes[static_cast<int64_t>(i)].item<int>();
    if (std::isnan(values[i])) {
      EXPECT_EQ(got & 127, 127);
    } else {
      EXPECT_EQ(got, NearestCode(values[i])) << values[i];
    }
  }
}

// Every value that a code has, the middle of neighbours, and the bf16 numbers beside it.
std::vector<double> InterestingValues() {
  std::vector<double> values;
  for (int code = 0; code < 126; ++code) {
    const double middle = (CodeValue(code) + CodeValue(code + 1)) / 2;
    const double beside = std::ldexp(1, std::ilogb(middle) - 7);  // the distance of bf16 numbers
    for (const double x : {CodeValue(code), middle, middle - beside, middle + beside}) {
      values.insert(values.end(), {x, -x});
    }
  }
  values.insert(values.end(), {448, -448, 0x1p-40, -0x1p-40});
  return values;
}

TEST(ToFp8, IsTheNearestOfAll256Codes) {
  for (int code = 0; code < 256; ++code) {
    const at::Tensor one = at::full({1}, code, at::kByte).view(at::kFloat8_e4m3fn);
    const double value = one.to(at::kDouble).item<double>();
    if (std::isnan(CodeValue(code))) {
      EXPECT_TRUE(std::isnan(value));
      continue;
    }
    EXPECT_EQ(value, CodeValue(code));
    EXPECT_EQ(CodesOf(ToFp8(one.to(at::kFloat)))[0].item<int>(), code);
  }
  const std::vector<double> values = InterestingValues();
  ExpectCodes(ToFp8(at::tensor(values, at::kFloat).to(kQuantiseDevice)), values);
}

TEST(ToFp8, SaturatesAndKeepsNaN) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> values{449, -464, 465, 1e30, -infinity, infinity, NAN};
  const at::Tensor got = ToFp8(at::tensor(values, at::kFloat).to(kQuantiseDevice));
  ExpectCodes(got, values);
}

// A row whose largest magnitude is 448 has the scale 1, so its codes are those of the values.
TEST(QuantiseRows, RoundsToTheNearestCode) {
  std::vector<double> values = InterestingValues();
  values.resize((values.size() + 7) / 8 * 8, 448);
  const at::Tensor x =
      at::tensor(values, at::kDouble).to(kQuantiseDevice, at::kBFloat16).unsqueeze(0);
  ASSERT_TRUE(
      (x.to(at::kCPU, at::kDouble)[0] == at::tensor(values, at::kDouble)).all().item<bool>());
  for (const at::ScalarType dtype : {at::kBFloat16, at::kFloat}) {
    const LinearInput rows = QuantiseRows(x.to(dtype));
    EXPECT_EQ(rows.scale.item<float>(), 1);
    ExpectCodes(rows.values, values);
  }
}

at::Tensor RandomRows(int64_t tokens, int64_t channels, uint64_t seed) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const at::Tensor x = at::randn({tokens, channels}, generator);
  // Rows of very different magnitude.
  return x * at::exp(3 * at::randn({tokens, 1}, generator));
}

// |x - code * scale| is at most 2^-4 |x| or half the distance of the smallest codes, and what fp32
// makes of x.
void ExpectRows(const LinearInput& rows, const at::Tensor& want) {
  const at::Tensor x = want.to(at::kDouble);
  const at::Tensor largest = x.abs().amax(1);
  EXPECT_TRUE(at::allclose(rows.scale.to(at::kDouble), largest / kFp8Max, 1e-6, 0));
  const at::Tensor error = (rows.values.to(at::kDouble) * rows.scale.unsqueeze(1) - x).abs();
  const at::Tensor rounding =
      (x.abs() * 0x1p-4).maximum(rows.scale.to(at::kDouble).unsqueeze(1) * 0x1p-10);
  const at::Tensor limit = rounding + largest.unsqueeze(1) * 1e-6;
  EXPECT_TRUE((error <= limit).all().item<bool>());
}

TEST(QuantiseRows, ScalesEachRowByItsLargest) {
  for (const int64_t channels : {8, 40, 1536, 3072, 8968, 14336, 16384, 16392}) {
    const at::Tensor x = RandomRows(37, channels, 1).to(kQuantiseDevice, at::kBFloat16);
    ExpectRows(QuantiseRows(x), x);
    ExpectRows(GeluQuantiseRows(x), at::gelu(x.to(at::kDouble), "tanh"));
    // Rows apart in memory.
    const at::Tensor wide = at::cat({x, x}, 1);
    EXPECT_TRUE(QuantiseRows(wide.narrow(1, channels, channels))
                    .values.view(at::kByte)
                    .equal(QuantiseRows(x).values.view(at::kByte)));
  }
  const at::Tensor odd = RandomRows(5, 7, 2).to(kQuantiseDevice);
  ExpectRows(QuantiseRows(odd), odd);
}

TEST(QuantiseRows, OfZerosAndOfWhatIsNotFinite) {
  at::Tensor x = at::zeros({3, 64}, at::device(kQuantiseDevice).dtype(at::kBFloat16));
  x[1][5] = NAN;
  x[2][6] = std::numeric_limits<double>::infinity();
  const at::Tensor values = Dequantise(QuantiseRows(x));
  EXPECT_TRUE((values[0] == 0).all().item<bool>());
  EXPECT_TRUE(values[1].isnan().any().item<bool>());
  EXPECT_TRUE(values[2].isnan().any().item<bool>());
  const at::Tensor tiny = at::full({1, 64}, 0x1p-126, at::device(kQuantiseDevice));
  EXPECT_TRUE(Dequantise(QuantiseRows(tiny)).isfinite().all().item<bool>());
}

TEST(LayerNormModulateRows, IsTheNormQuantised) {
  for (const int64_t channels : {8, 1536, 3072, 8192}) {
    for (const int64_t boundary : {0, 5}) {
      const at::Tensor x = RandomRows(37, channels, 3).to(kQuantiseDevice, at::kBFloat16);
      const auto vectors = [&](uint64_t seed) {
        return TokenVectors{RandomRows(boundary > 0 ? 2 : 1, channels, seed).to(kQuantiseDevice),
                            boundary};
      };
      const TokenVectors multiplier = vectors(4), shift = vectors(5);
      const at::Tensor want =
          LayerNormModulate(x, multiplier, shift, {1e-6, at::kFloat}, ExecutionMode::kInPlace);
      const LinearInput got = LayerNormModulateRows(x, multiplier, shift, 1e-6);
      ExpectRows(got, want);
    }
  }
}

TEST(QuantiseRows, RefusesWhatItCannotDo) {
  EXPECT_THROW(QuantiseRows(at::zeros({3})), Error);
  EXPECT_THROW(QuantiseRows(at::zeros({3, 8}, at::kLong)), Error);
  EXPECT_THROW(QuantiseRows(at::zeros({3, 8}).requires_grad_()), Error);
}

}  // namespace
}  // namespace t3
