// Creates, applies and writes LoRA factors.
#include "training/dit/lora.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "loading/tensor_file.h"

namespace t3 {
namespace {

constexpr std::string_view kDown = ".lora_A.weight";
constexpr std::string_view kUp = ".lora_B.weight";

// "blocks.0.ffn.2.weight" -> "blocks.0.ffn.2" where a target names it, else "".
std::string TargetedModule(const TensorSpec& spec, const std::string& target) {
  constexpr std::string_view kWeight = ".weight";
  if (!spec.name.starts_with("blocks.") || !spec.name.ends_with(kWeight) ||
      spec.shape.size() != 2) {
    return "";
  }
  const std::string module = spec.name.substr(0, spec.name.size() - kWeight.size());
  return module.ends_with("." + target) ? module : "";
}

}  // namespace

TensorMap InitLora(const LoraConfig& config, const TensorTable& table, int64_t seed,
                   at::Device device) {
  TensorMap factors;
  at::Generator generator = at::globalContext().defaultGenerator(at::kCPU).clone();
  generator.set_current_seed(static_cast<uint64_t>(seed));
  for (const std::string& target : config.targets) {
    size_t found = 0;
    for (const TensorSpec& spec : table) {
      const std::string module = TargetedModule(spec, target);
      if (module.empty()) continue;
      ++found;
      const double bound = 1 / std::sqrt(static_cast<double>(spec.shape[1]));
      const at::Tensor down =
          (at::rand({config.rank, spec.shape[1]}, generator, at::TensorOptions()) * 2 - 1) * bound;
      factors[module + std::string(kDown)] = down.to(device).requires_grad_();
      factors[module + std::string(kUp)] =
          at::zeros({spec.shape[0], config.rank}, device).requires_grad_();
    }
    T3_CHECK(found > 0,
             "lora: no layer of a block is called \"{}\"; targets are q, k, v, o (of self_attn and "
             "cross_attn; prefix one to choose it), ffn.0 and ffn.2",
             target);
  }
  return factors;
}

TensorMap ApplyLora(const TensorMap& frozen, const TensorMap& factors, const LoraConfig& config) {
  TensorMap weights = frozen;
  for (const auto& [name, up] : factors) {
    if (!name.ends_with(kUp)) continue;
    const std::string module = name.substr(0, name.size() - kUp.size());
    const at::Tensor& down = GetTensor(factors, module + std::string(kDown));
    at::Tensor& weight = weights[module + ".weight"];
    const double factor = config.alpha / static_cast<double>(config.rank);
    weight = at::addmm(weight.to(at::kFloat), up, down, 1, factor).to(weight.scalar_type());
  }
  return weights;
}

void SaveLora(const std::string& path, const TensorMap& factors, const LoraConfig& config,
              at::ScalarType dtype, const Metadata& metadata) {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const auto& [name, tensor] : factors) {
    tensors.emplace_back("diffusion_model." + name, tensor.to(dtype));
    if (!name.ends_with(kUp)) continue;
    tensors.emplace_back("diffusion_model." + name.substr(0, name.size() - kUp.size()) + ".alpha",
                         at::scalar_tensor(config.alpha, at::TensorOptions().dtype(at::kFloat)));
  }
  SaveTensors(path, tensors, metadata);
}

}  // namespace t3
