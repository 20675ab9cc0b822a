// Loads, runs and saves the VAE in training.
#include "training/vae/vae_task.h"

#include <ATen/ATen.h>

#include <filesystem>

#include "arch/vae.h"
#include "base/atomic_file.h"
#include "base/check.h"
#include "base/log.h"
#include "base/text.h"
#include "nn/load.h"
#include "training/loop/weights_identity.h"
#include "training/vae/latent_statistics.h"
#include "training/vae/psnr.h"

namespace t3 {

VaeFile OpenVaeFile(const std::string& path) {
  const auto file = WeightFile::Open(path);
  VaeFile opened{path, NameTensors(file, VaeNaming(ReadVaeVersion(file->tensors()))), {}};
  T3_CHECK(LooksLikeVae(opened.views), "{} is not a VAE; `t3 inspect` says what it is", path);
  opened.config = ReadVaeConfig(opened.views, nullptr);
  CheckComplete(opened.views, VaeTensors(opened.config), "VAE");
  return opened;
}

const char* VaeFileName(VaeVersion version) {
  return version == VaeVersion::k21 ? "Wan2.1_VAE.safetensors" : "Wan2.2_VAE.safetensors";
}

bool IsEncoderTensor(const std::string& name) {
  return name.starts_with("encoder.") || name.starts_with("conv1.");
}

nlohmann::json VaeIdentity(const VaeFile& file, const std::string& data) {
  nlohmann::json identity{{"data", data}};
  AddWeights("vae", file.views, &identity);
  return identity;
}

VaeTask::VaeTask(const VaeTrainConfig& config, const VaeFile& file,
                 std::unique_ptr<ClipSource> source, at::ScalarType dtype, at::Device device)
    : config_(config),
      vae_(file.config),
      source_(std::move(source)),
      dtype_(dtype),
      identity_(VaeIdentity(file, source_->Digest())) {
  LoadOptions options;
  options.device = device;
  options.dtype = at::kFloat;
  for (const auto& [name, tensor] :
       LoadTensors(file.views, VaeTensors(vae_), VaeNaming(vae_.version), options)) {
    if (config.decoder_only && IsEncoderTensor(name)) {
      frozen_[name] = tensor.detach();
    } else {
      leaves_[name] = tensor.detach().requires_grad_();
    }
  }
}

TensorMap VaeTask::AllWeights(const TensorMap& weights, at::ScalarType dtype) const {
  TensorMap all;
  for (const TensorMap* part : {&weights, &frozen_}) {
    for (const auto& [name, tensor] : *part) all[name] = tensor.to(dtype);
  }
  return all;
}

MicroBatchResult VaeTask::ForwardBackward(int64_t step, int64_t micro, double scale) {
  ClipBatch batch = source_->Get(step, micro);
  const VaeLossResult loss =
      VaeLoss(Vae(vae_, AllWeights(leaves_, dtype_)), batch.video, config_.loss,
              static_cast<uint64_t>(config_.seed), step * config_.accumulation + micro);
  (loss.total * scale).backward();
  // A batch of single frames does not reach the convolutions over time.
  for (const auto& [name, leaf] : leaves_) {
    if (!leaf.grad().defined()) leaf.mutable_grad() = at::zeros_like(leaf.detach());
  }
  return {loss.total.detach(), std::move(batch.items)};
}

void VaeTask::SaveModel(const TensorMap& weights, const std::string& folder) const {
  const std::filesystem::path root(folder);
  std::filesystem::create_directories(root);
  const TensorMap saved =
      AllWeights(weights, config_.save_dtype == "bf16" ? at::kBFloat16 : at::kFloat);
  const auto model = [&](at::ScalarType dtype) {
    TensorMap tensors;
    for (const auto& [name, tensor] : saved) tensors[name] = tensor.to(dtype);
    return Vae(vae_, tensors);
  };
  // The weights as they are written, rounding included.
  const ClipSet measured = source_->Measured();
  const VaeConfig config = MeasureLatents(model(at::kFloat), measured.clips, measured.clip);
  SaveVae((root / VaeFileName(vae_.version)).string(), config, saved);
  nlohmann::json report{{"latents_mean", config.mean}, {"latents_std", config.std}};
  const Vae vae = model(dtype_);
  for (const ClipSet& set : source_->HeldOut()) {
    const PsnrReport psnr = EvaluateVae(vae, set.clips, set.clip);
    report["psnr"][set.name] = {{"clips", set.clips}, {"mean", psnr.mean}, {"worst", psnr.worst}};
    spdlog::info("{}: PSNR {:.2f} dB over {}, minimum {:.2f}", set.name, psnr.mean,
                 Counted(set.clips, "held-out clip"), psnr.worst);
  }
  WriteAtomically((root / "vae.json").string(), report.dump(2) + "\n");
}

}  // namespace t3
