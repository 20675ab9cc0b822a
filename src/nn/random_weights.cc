// Counter-based random tensors.
#include "nn/random_weights.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>

#include "base/mix_bits.h"
#include "nn/load.h"
#include "weights/safetensors_writer.h"

namespace t3 {
namespace {

uint64_t HashName(uint64_t seed, const std::string& name) {
  uint64_t hash = MixBits(seed);
  for (const char c : name) hash = MixBits(hash ^ static_cast<unsigned char>(c));
  return hash;
}

// Mean 0, variance 1: the four 16-bit quarters of a hash, each uniform.
float Unit(uint64_t bits) {
  const uint64_t sum =
      (bits & 0xffff) + ((bits >> 16) & 0xffff) + ((bits >> 32) & 0xffff) + (bits >> 48);
  constexpr double kMean = 2.0 * 65535;
  constexpr double kStd = 65536 * 0.5773502691896258;  // sqrt(4 / 12) of the range
  return static_cast<float>((static_cast<double>(sum) - kMean) / kStd);
}

}  // namespace

at::Tensor RandomTensor(const TensorSpec& spec, RandomScale scale, uint64_t seed,
                        at::ScalarType dtype) {
  at::Tensor result = at::empty(spec.shape, dtype);
  const uint64_t key = HashName(seed, spec.name);
  const auto mean = static_cast<float>(scale.mean);
  const auto std = static_cast<float>(scale.std);
  constexpr int64_t kGrain = 1 << 16;
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, dtype, "RandomTensor", [&] {
    auto* values = result.mutable_data_ptr<scalar_t>();
    at::parallel_for(0, spec.elements(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        values[i] =
            static_cast<scalar_t>(mean + std * Unit(MixBits(key + static_cast<uint64_t>(i))));
      }
    });
  });
  return result;
}

RandomScale DefaultScale(const TensorSpec& spec) {
  if (spec.name.ends_with(".bias")) return {0, 0.02};
  if (spec.name.ends_with("modulation")) {
    return {0, 1 / std::sqrt(static_cast<double>(spec.shape.back()))};
  }
  if (spec.name.ends_with(".gamma") || spec.shape.size() == 1) return {1, 0.1};
  const double inputs = static_cast<double>(spec.elements()) / static_cast<double>(spec.shape[0]);
  return {0, 1 / std::sqrt(inputs)};
}

void WriteRandomWeights(const std::string& path, const TensorTable& table,
                        const std::function<RandomScale(const TensorSpec&)>& scale, uint64_t seed,
                        at::ScalarType dtype, const Metadata& metadata,
                        const std::function<void(int64_t done, int64_t total)>& progress) {
  std::vector<TensorInfo> infos;
  int64_t total = 0;
  for (const TensorSpec& spec : table) {
    infos.push_back({spec.name, ToDType(dtype), spec.shape});
    total += spec.elements();
  }
  SafetensorsStream stream(path, infos, metadata);
  int64_t done = 0;
  for (const TensorSpec& spec : table) {
    const at::Tensor weight = RandomTensor(spec, scale(spec), seed, dtype);
    stream.Write(spec.name, static_cast<const std::byte*>(weight.const_data_ptr()),
                 static_cast<int64_t>(weight.nbytes()));
    done += spec.elements();
    if (progress) progress(done, total);
  }
  stream.Finish();
}

}  // namespace t3
