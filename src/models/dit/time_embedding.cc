// Timestep sinusoid and MLP.
#include "models/dit/time_embedding.h"

#include <ATen/ATen.h>

namespace t3 {
namespace {

// (K, width) fp32: cosines, then sines, of timestep * 10000^(-j / (width/2)), in fp64.
at::Tensor Sinusoid(const std::vector<double>& timesteps, int64_t width) {
  const int64_t half = width / 2;
  const auto real = at::TensorOptions().dtype(at::kDouble);
  const at::Tensor frequency =
      at::pow(10000.0, at::arange(half, real) * (-1.0 / static_cast<double>(half)));
  const at::Tensor angle = at::outer(at::tensor(timesteps, real), frequency);
  return at::cat({angle.cos(), angle.sin()}, 1).to(at::kFloat);
}

}  // namespace

TimeEmbedding::TimeEmbedding(const DitConfig& config, const TensorMap& tensors)
    : freq_dim_(config.freq_dim),
      in_(FloatLinear(tensors, "time_embedding.0")),
      out_(FloatLinear(tensors, "time_embedding.2")),
      projection_(FloatLinear(tensors, "time_projection.1")) {}

TimeVectors TimeEmbedding::operator()(const std::vector<double>& timesteps) const {
  const at::Tensor wave = Sinusoid(timesteps, freq_dim_).to(in_.weight.device());
  const at::Tensor t = out_(at::silu(in_(wave)));
  return {t, projection_(at::silu(t)).unflatten(-1, {6, -1})};
}

}  // namespace t3
