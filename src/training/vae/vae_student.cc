// The student's decoder beside the teacher's encoder.
#include "training/vae/vae_student.h"

#include <ATen/ATen.h>

#include <filesystem>

#include "arch/vae.h"
#include "base/check.h"
#include "nn/load.h"
#include "training/vae/latent_statistics.h"

namespace t3 {

VaeStudent::VaeStudent(const DecoderFile& file, const StudentSettings& settings)
    : settings_(settings), config_(settings.teacher.config) {
  const VaeConfig student = std::get<VaeConfig>(file.config);
  T3_CHECK(student.version == config_.version,
           "`student.decoder` {} is of another version of the VAE than the teacher {}", file.path,
           settings.teacher.path);
  config_.decoder_dim = student.decoder_dim;
  LoadOptions options;
  options.device = settings.device;
  options.dtype = at::kFloat;
  const Naming naming = VaeNaming(config_.version);
  for (const auto& [name, tensor] : LoadTensors(file.views, VaeTensors(student), naming, options)) {
    if (!IsEncoderTensor(name)) leaves_[name] = tensor.detach().requires_grad_();
  }
  for (const auto& [name, tensor] :
       LoadTensors(settings.teacher.views, VaeTensors(settings.teacher.config), naming, options)) {
    if (IsEncoderTensor(name)) encoder_[name] = tensor.detach();
  }
}

Vae VaeStudent::Network(const TensorMap& weights) const {
  TensorMap cast;
  for (const auto& [name, tensor] : weights) cast[name] = tensor.to(settings_.dtype);
  return {config_, cast};
}

at::Tensor VaeStudent::Decode(const TensorMap& weights, const at::Tensor& mu) const {
  return Network(weights).DecodeUnclamped(mu);
}

std::unique_ptr<VideoDecoder> VaeStudent::Decoder(const TensorMap& weights) const {
  return std::make_unique<Vae>(Network(weights));
}

void VaeStudent::Save(const TensorMap& weights, const std::string& folder) const {
  TensorMap all;
  for (const TensorMap* part : {&weights, &encoder_}) {
    for (const auto& [name, tensor] : *part) all[name] = tensor.to(settings_.saved);
  }
  SaveVae((std::filesystem::path(folder) / VaeFileName(config_.version)).string(), config_, all);
}

}  // namespace t3
