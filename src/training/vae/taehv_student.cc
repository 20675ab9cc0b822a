// TAEHV with libtorch's operators on (B*T,C,H,W).
#include "training/vae/taehv_student.h"

#include <ATen/ATen.h>

#include <filesystem>

#include "arch/taehv.h"
#include "loading/tensor_file.h"
#include "models/taehv/taehv.h"
#include "nn/load.h"

namespace t3 {
namespace {

class DifferentiableTaehv {
 public:
  DifferentiableTaehv(const TaehvConfig& config, const TensorMap& tensors, int64_t clips)
      : config_(config), tensors_(tensors), clips_(clips) {}

  // latents (B,z,T,h,w).
  at::Tensor Decode(const at::Tensor& latents) const {
    const TaehvDecoder arch = TaehvDecoderOf(config_);
    at::Tensor x = latents.transpose(1, 2).flatten(0, 1);
    x = is_super() ? Conv(x, arch.input) : Conv(at::tanh(x / 3) * 3, arch.input).relu();
    for (const TaehvStage& stage : arch.stages) {
      for (const std::string& block : stage.blocks) x = Block(x, block);
      x = Enlarge(x, stage);
    }
    x = Conv(is_super() ? x : x.relu(), arch.output);
    x = at::pixel_shuffle(x, config_.patch) * 2 - 1;
    const at::Tensor frames = x.unflatten(0, {clips_, -1});
    return frames.narrow(1, kTaehvTrimmed, frames.size(1) - kTaehvTrimmed).transpose(1, 2);
  }

 private:
  bool is_super() const { return config_.blocks == TaehvBlocks::kSuper; }

  at::Tensor Conv(const at::Tensor& x, const std::string& name) const {
    const at::Tensor& weight = GetTensor(tensors_, name + ".weight");
    const auto bias = tensors_.find(name + ".bias");
    return at::conv2d(x, weight, bias == tensors_.end() ? at::Tensor() : bias->second,
                      at::IntArrayRef{1}, at::IntArrayRef{weight.size(2) / 2}, at::IntArrayRef{1},
                      x.size(1) / weight.size(1));
  }

  // The frame before each of a clip; zeros before the first.
  at::Tensor Before(const at::Tensor& x) const {
    const at::Tensor frames = x.unflatten(0, {clips_, -1});
    return at::cat(
               {at::zeros_like(frames.narrow(1, 0, 1)), frames.narrow(1, 0, frames.size(1) - 1)}, 1)
        .flatten(0, 1);
  }

  at::Tensor Block(const at::Tensor& x, const std::string& name) const {
    at::Tensor y = Conv(at::cat({x, Before(x)}, 1), name + ".conv.0");
    if (is_super()) return x + Conv(Conv(y, name + ".conv.1").relu(), name + ".conv.3");
    y = Conv(Conv(y.relu(), name + ".conv.2").relu(), name + ".conv.4");
    return (x + y).relu();
  }

  at::Tensor Enlarge(const at::Tensor& x, const TaehvStage& stage) const {
    if (is_super()) return Grow(at::pixel_shuffle(Conv(x, stage.conv).relu(), 2), stage);
    const at::Tensor large =
        at::upsample_nearest2d(x, at::IntArrayRef{2 * x.size(2), 2 * x.size(3)});
    return Conv(Grow(large, stage), stage.conv);
  }

  // More frames of each; of the weights the last channels, where the file has more than are needed.
  at::Tensor Grow(const at::Tensor& x, const TaehvStage& stage) const {
    const at::Tensor& all = GetTensor(tensors_, stage.grow + ".weight");
    const int64_t used = stage.time_factor * stage.grown;
    const at::Tensor y = at::conv2d(x, all.narrow(0, all.size(0) - used, used));
    return y.reshape({-1, stage.grown, x.size(2), x.size(3)});
  }

  const TaehvConfig& config_;
  const TensorMap& tensors_;
  int64_t clips_;
};

TensorMap CastTensors(const TensorMap& weights, at::ScalarType dtype) {
  TensorMap cast;
  for (const auto& [name, tensor] : weights) cast[name] = tensor.to(dtype);
  return cast;
}

}  // namespace

at::Tensor DecodeTaehv(const TaehvConfig& config, const TensorMap& tensors,
                       const at::Tensor& latents) {
  return DifferentiableTaehv(config, tensors, latents.size(0)).Decode(latents);
}

TaehvStudent::TaehvStudent(const DecoderFile& file, const StudentSettings& settings)
    : settings_(settings), config_(std::get<TaehvConfig>(file.config)) {
  config_.encoder_dim = 0;
  LoadOptions options;
  options.device = settings.device;
  options.dtype = at::kFloat;
  for (const auto& [name, tensor] :
       LoadTensors(file.views, TaehvDecoderTensors(config_), TaehvNaming(), options)) {
    leaves_[name] = tensor.detach().requires_grad_();
  }
}

// Networks with statistics of their own take mu as it is, others the normalised latents.
at::Tensor TaehvStudent::Decode(const TensorMap& weights, const at::Tensor& mu) const {
  at::Tensor latents = mu.to(at::kFloat);
  if (config_.mean.empty()) {
    const auto per_channel = [&](const std::vector<double>& values) {
      return at::tensor(values).to(latents.options()).view({-1, 1, 1, 1});
    };
    const VaeConfig& teacher = settings_.teacher.config;
    latents = (latents - per_channel(teacher.mean)) / per_channel(teacher.std);
  }
  return DecodeTaehv(config_, CastTensors(weights, settings_.dtype), latents.to(settings_.dtype))
      .to(at::kFloat);
}

std::unique_ptr<VideoDecoder> TaehvStudent::Decoder(const TensorMap& weights) const {
  return std::make_unique<Taehv>(config_, CastTensors(weights, settings_.dtype));
}

void TaehvStudent::Save(const TensorMap& weights, const std::string& folder) const {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const auto& [name, tensor] : weights) {
    tensors.emplace_back(name, tensor.to(settings_.saved));
  }
  SaveTensors((std::filesystem::path(folder) / "decoder.safetensors").string(), tensors,
              TaehvMetadata(config_));
}

}  // namespace t3
