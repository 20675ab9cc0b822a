// Time and distance from fp32 of each product of a block.
#include "bench/bench_products.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "bench/timing.h"
#include "models/dit/weights.h"
#include "nn/fp8_weight.h"
#include "ops/fp8/quantise.h"
#include "ops/linear/linear.h"

namespace t3 {
namespace {

constexpr int64_t kProductTokens = 131'072;
constexpr int64_t kComparedTokens = 16'384;
constexpr int64_t kProductRepeats = 10;

struct ProductOfBlock {
  const char* layer;
  std::vector<std::string> parts;  // of one input, multiplied as one
  bool after_gelu = false;
};

const ProductOfBlock kProducts[] = {
    {"self_attn.q, k, v", {"self_attn.q", "self_attn.k", "self_attn.v"}},
    {"self_attn.o", {"self_attn.o"}},
    {"cross_attn.q", {"cross_attn.q"}},
    {"cross_attn.o", {"cross_attn.o"}},
    {"ffn.0", {"ffn.0"}},
    {"ffn.2", {"ffn.2"}, true}};

Linear LayerOf(const TensorMap& weights, const ProductOfBlock& product) {
  std::vector<Linear> parts;
  for (const std::string& part : product.parts) parts.emplace_back(weights, "blocks.0." + part);
  return Concatenate(parts);
}

double DistanceOfProduct(const LinearInput& x, const Linear& layer, const at::Tensor& exact) {
  const int64_t rows = exact.size(0);
  const at::Tensor out = at::empty({rows, layer.weight.size(0)}, layer.bias.options());
  LinearInto(out, x.Slice(0, rows), layer);
  return DistanceOf(out, exact, {});
}

ProductBench BenchProduct(const BenchCase& bench, const Linear& layer,
                          const ProductOfBlock& product) {
  const int64_t tokens = std::min(kProductTokens, bench.grid().tokens());
  ProductBench result{product.layer, tokens, layer.weight.size(1), layer.weight.size(0)};
  at::Tensor x = at::randn({tokens, result.in}, layer.weight.options());
  if (product.after_gelu) x = at::gelu(x, "tanh");
  const Fp8Weight weight = QuantiseWeight(layer.weight);
  Linear codes = layer;
  codes.weight = weight.codes;
  codes.scale = weight.scale;
  const LinearInput x_codes = QuantiseRows(x);
  const at::Tensor compared = x.narrow(0, 0, std::min(kComparedTokens, tokens)).to(at::kFloat);
  const at::Tensor exact =
      at::linear(compared, layer.weight.to(at::kFloat), layer.bias.to(at::kFloat));
  result.bf16_distance = DistanceOfProduct(x, layer, exact);
  result.fp8_distance = DistanceOfProduct(x_codes, codes, exact);
  const at::Tensor out = at::empty({tokens, result.out}, x.options());
  const auto time = [&](const LinearInput& input, const Linear& by) {
    return MedianTime(
        bench.device, kProductRepeats, [&] { LinearInto(out, input, by); }, bench.poll);
  };
  result.bf16_ms = time(x, layer);
  result.fp8_ms = time(x_codes, codes);
  return result;
}

}  // namespace

std::vector<ProductBench> BenchProducts(const BenchCase& bench, const TensorMap& weights) {
  std::vector<ProductBench> results;
  for (const ProductOfBlock& product : kProducts) {
    results.push_back(BenchProduct(bench, LayerOf(weights, product), product));
  }
  return results;
}

}  // namespace t3
