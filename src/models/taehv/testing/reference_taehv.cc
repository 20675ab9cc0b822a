// TAEHV by its formulas, with libtorch's operators on (T,C,H,W).
#include "models/taehv/testing/reference_taehv.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

#include "arch/taehv.h"

namespace t3 {
namespace {

class ReferenceTaehv {
 public:
  ReferenceTaehv(const TaehvConfig& config, const TensorMap& tensors)
      : config_(config), tensors_(tensors) {}

  at::Tensor Decode(at::Tensor z) const {
    if (!config_.mean.empty()) z = z * PerChannel(config_.std) + PerChannel(config_.mean);
    const TaehvDecoder arch = TaehvDecoderOf(config_);
    at::Tensor x = z.transpose(0, 1);
    x = super() ? Conv(x, arch.input) : Conv(at::tanh(x / 3) * 3, arch.input).relu();
    for (const TaehvStage& stage : arch.stages) {
      for (const std::string& block : stage.blocks) x = Block(x, block);
      if (super())
        x = at::pixel_shuffle(Conv(x, stage.conv).relu(), 2);
      else
        x = at::upsample_nearest2d(x, at::IntArrayRef{2 * x.size(2), 2 * x.size(3)});
      x = Grow(x, stage);
      if (!super()) x = Conv(x, stage.conv);
    }
    x = Conv(super() ? x : x.relu(), arch.output);
    x = at::pixel_shuffle(x, config_.patch).clamp(0, 1) * 2 - 1;
    return x.narrow(0, 3, x.size(0) - 3).transpose(0, 1);
  }

 private:
  bool super() const { return config_.blocks == TaehvBlocks::kSuper; }

  static at::Tensor PerChannel(const std::vector<double>& values) {
    return at::tensor(values).to(at::kFloat).view({-1, 1, 1, 1});
  }

  at::Tensor Conv(const at::Tensor& x, const std::string& name) const {
    const at::Tensor weight = tensors_.at(name + ".weight");
    const auto bias = tensors_.find(name + ".bias");
    return at::conv2d(x, weight, bias == tensors_.end() ? at::Tensor() : bias->second,
                      at::IntArrayRef{1}, at::IntArrayRef{weight.size(2) / 2}, at::IntArrayRef{1},
                      x.size(1) / weight.size(1));
  }

  at::Tensor Block(const at::Tensor& x, const std::string& name) const {
    const at::Tensor before =
        at::cat({at::zeros_like(x.narrow(0, 0, 1)), x.narrow(0, 0, x.size(0) - 1)});
    at::Tensor y = Conv(at::cat({x, before}, 1), name + ".conv.0");
    if (super()) return x + Conv(Conv(y, name + ".conv.1").relu(), name + ".conv.3");
    y = Conv(Conv(y.relu(), name + ".conv.2").relu(), name + ".conv.4");
    return (x + y).relu();
  }

  at::Tensor Grow(const at::Tensor& x, const TaehvStage& stage) const {
    const at::Tensor all = tensors_.at(stage.grow + ".weight");
    const int64_t used = stage.time_factor * stage.grown;
    const at::Tensor y = at::conv2d(x, all.narrow(0, all.size(0) - used, used));
    return y.reshape({-1, stage.grown, x.size(2), x.size(3)});
  }

  const TaehvConfig& config_;
  const TensorMap& tensors_;
};

}  // namespace

at::Tensor ReferenceTaehvDecode(const TaehvConfig& config, const TensorMap& tensors,
                                const at::Tensor& latents) {
  return ReferenceTaehv(config, tensors).Decode(latents);
}

TensorMap RandomTaehvTensors(const TaehvConfig& config, uint64_t seed) {
  TensorMap tensors;
  for (const TensorSpec& spec : TaehvTensors(config)) {
    const at::Tensor noise =
        at::randn(spec.shape, at::make_generator<at::CPUGeneratorImpl>(++seed));
    const bool bias = spec.name.ends_with(".bias");
    const int64_t fan_in = noise.numel() / noise.size(0);
    tensors[spec.name] = bias ? 0.1 * noise : noise / std::sqrt(static_cast<double>(fan_in));
  }
  // Around the middle of [0,1], so that few values are clamped.
  tensors.at("decoder.22.weight").mul_(0.2);
  tensors.at("decoder.22.bias").add_(0.5);
  return tensors;
}

}  // namespace t3
