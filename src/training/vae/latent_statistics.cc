// Chan's merge of means and squared deviations, and the file with the result.
#include "training/vae/latent_statistics.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "arch/vae.h"
#include "base/check.h"
#include "nn/load.h"
#include "weights/safetensors_writer.h"

namespace t3 {
namespace {

std::vector<double> ToVector(const at::Tensor& values) {
  const auto* data = values.const_data_ptr<double>();
  return {data, data + values.numel()};
}

}  // namespace

LatentStatistics::LatentStatistics(int64_t channels)
    : mean_(at::zeros({channels}, at::kDouble)), squared_(at::zeros({channels}, at::kDouble)) {}

void LatentStatistics::Add(const at::Tensor& mu) {
  const int64_t channels = mean_.size(0);
  T3_CHECK((mu.dim() == 4 || mu.dim() == 5) && mu.size(-4) == channels && mu.numel() > 0,
           "latents have shape {}; wanted ({},T,h,w)", mu.sizes().vec(), channels);
  const at::Tensor values =
      (mu.dim() == 5 ? mu.transpose(0, 1) : mu).reshape({channels, -1}).to(at::kDouble);
  const at::Tensor batch_mean = values.mean(1);
  const at::Tensor batch_squared = (values - batch_mean.unsqueeze(1)).square().sum(1).cpu();
  const at::Tensor shift = batch_mean.cpu() - mean_;
  T3_CHECK(shift.isfinite().all().item<bool>(),
           "the VAE's encoder outputs values that are not finite");
  const double before = static_cast<double>(count_), added = static_cast<double>(values.size(1));
  const double total = before + added;
  mean_ = mean_ + shift * (added / total);
  squared_ = squared_ + batch_squared + shift.square() * (before * added / total);
  count_ += values.size(1);
}

std::vector<double> LatentStatistics::Mean() const { return ToVector(mean_); }

std::vector<double> LatentStatistics::Std() const {
  T3_CHECK(count_ > 0, "latent statistics need at least one clip");
  std::vector<double> std = ToVector((squared_ / static_cast<double>(count_)).sqrt());
  for (size_t channel = 0; channel < std.size(); ++channel) {
    T3_CHECK(std[channel] > 0, "latent channel {} is constant; the VAE does not use it", channel);
  }
  return std;
}

VaeConfig MeasureLatents(const Vae& vae, int64_t clips,
                         const std::function<at::Tensor(int64_t index)>& clip) {
  const c10::NoGradGuard no_grad;
  VaeConfig config = vae.config();
  const auto per_channel = [](const std::vector<double>& values) {
    return at::tensor(values).reshape({-1, 1, 1, 1});
  };
  LatentStatistics statistics(config.latent_channels);
  for (int64_t index = 0; index < clips; ++index) {
    // Encode works in bounded memory; undo its normalisation.
    const at::Tensor latents = vae.Encode(clip(index)).to(at::kDouble);
    statistics.Add(latents * per_channel(config.std).to(latents.device()) +
                   per_channel(config.mean).to(latents.device()));
  }
  config.std = statistics.Std();
  config.mean = statistics.Mean();
  return config;
}

void SaveVae(const std::string& path, const VaeConfig& config, const TensorMap& tensors) {
  std::vector<TensorInfo> table;
  for (const TensorSpec& spec : VaeTensors(config)) {
    const at::Tensor& tensor = GetTensor(tensors, spec.name);
    T3_CHECK(tensor.sizes() == at::IntArrayRef(spec.shape), "{} has shape {}, wanted {}", spec.name,
             ShapeText(tensor.sizes().vec()), ShapeText(spec.shape));
    table.push_back({spec.name, ToDType(tensor.scalar_type()), spec.shape});
  }
  SafetensorsStream stream(path, table, VaeMetadata(config));
  for (const TensorInfo& info : table) {
    const at::Tensor data = tensors.at(info.name).detach().cpu().contiguous();
    stream.Write(info.name, static_cast<const std::byte*>(data.const_data_ptr()),
                 static_cast<int64_t>(data.nbytes()));
  }
  stream.Finish();
}

}  // namespace t3
