// The VAE's task.
#include "training/vae_task.h"

#include <ATen/ATen.h>

#include <filesystem>
#include <fstream>

#include "arch/vae.h"
#include "base/check.h"
#include "base/log.h"
#include "nn/load.h"
#include "base/json_fields.h"
#include "training/vae/latent_statistics.h"
#include "training/vae/psnr.h"
#include "training/weights_digest.h"

namespace t3 {
namespace {

VaeLossOptions ParseVaeLoss(const nlohmann::json& document, const std::string& where) {
  constexpr double kMaxWeight = 1e6;
  JsonFields fields(document, where);
  VaeLossOptions options;
  fields.TakeNumber("reconstruction", 0, kMaxWeight, &options.reconstruction_weight);
  fields.TakeNumber("charbonnier", 0, 1, &options.charbonnier);
  fields.TakeNumber("kl", 0, kMaxWeight, &options.kl_weight);
  fields.TakeNumber("gradient", 0, kMaxWeight, &options.gradient_weight);
  fields.TakeNumber("laplacian", 0, kMaxWeight, &options.laplacian_weight);
  fields.TakeInteger("laplacian_levels", 1, 16, &options.laplacian_levels);
  fields.TakeNumber("texture", 0, kMaxWeight, &options.texture_weight);
  fields.CheckAllTaken();
  return options;
}

// conv1 makes the moments of what the encoder gives.
bool IsEncoderTensor(const std::string& name) {
  return name.starts_with("encoder.") || name.starts_with("conv1.");
}

}  // namespace

VaeFile OpenVaeFile(const TrainConfig& config) {
  const std::string& path = config.model.vae;
  T3_CHECK(!path.empty(),
           "{}: the task vae needs \"model\": {{\"vae\": FILE}}; `t3 init` makes one with random "
           "weights",
           config.source);
  const auto file = WeightFile::Open(path);
  VaeFile opened{path, NameTensors(file, VaeNaming(ReadVaeVersion(file->tensors()))), {}};
  T3_CHECK(LooksLikeVae(opened.views), "{} is no VAE; `t3 inspect` says what it is", path);
  opened.config = ReadVaeConfig(opened.views, nullptr);
  CheckComplete(opened.views, VaeTensors(opened.config), "VAE");
  return opened;
}

VaeTask::VaeTask(const TrainConfig& config, const VaeFile& file, std::unique_ptr<ClipSource> source,
                 at::ScalarType dtype, at::Device device)
    : config_(config),
      vae_(file.config),
      loss_(ParseVaeLoss(config.vae_loss, config.source + ": loss")),
      source_(std::move(source)),
      dtype_(dtype),
      identity_{{"vae", WeightsDigest(file.views)}, {"data", source_->Digest()}} {
  LoadOptions options;
  options.device = device;
  options.dtype = at::kFloat;
  for (const auto& [name, tensor] :
       LoadTensors(file.views, VaeTensors(vae_), VaeNaming(vae_.version), options)) {
    if (config.decoder_alone && IsEncoderTensor(name)) {
      frozen_[name] = tensor.detach();
    } else {
      leaves_[name] = tensor.detach().requires_grad_();
    }
  }
}

TensorMap VaeTask::Whole(const TensorMap& weights, at::ScalarType dtype) const {
  TensorMap whole;
  for (const TensorMap* part : {&weights, &frozen_}) {
    for (const auto& [name, tensor] : *part) whole[name] = tensor.to(dtype);
  }
  return whole;
}

Vae VaeTask::Model(const TensorMap& whole, at::ScalarType dtype) const {
  TensorMap own;
  for (const auto& [name, tensor] : whole) own[name] = tensor.to(dtype);
  return Vae(vae_, own);
}

MicroBatchResult VaeTask::Accumulate(int64_t step, int64_t micro, double scale) {
  ClipBatch batch = source_->Get(step, micro);
  const VaeLossResult loss =
      VaeLoss(Vae(vae_, Whole(leaves_, dtype_)), batch.video, loss_,
              static_cast<uint64_t>(config_.seed), step * config_.accumulation + micro);
  (loss.total * scale).backward();
  // Single frames leave the convolutions over time alone.
  for (const auto& [name, leaf] : leaves_) {
    if (!leaf.grad().defined()) leaf.mutable_grad() = at::zeros_like(leaf.detach());
  }
  return {loss.total.detach(), std::move(batch.items)};
}

void VaeTask::SaveModel(const TensorMap& weights, const std::string& folder) const {
  const std::filesystem::path root(folder);
  std::filesystem::create_directories(root);
  const TensorMap saved = Whole(weights, config_.save_dtype == "bf16" ? at::kBFloat16 : at::kFloat);
  // What is measured is what is written, rounding included.
  const ClipSet measured = source_->Measured();
  const VaeConfig config = MeasureLatents(Model(saved, at::kFloat), measured.clips, measured.clip);
  const char* name =
      vae_.version == VaeVersion::k21 ? "Wan2.1_VAE.safetensors" : "Wan2.2_VAE.safetensors";
  SaveVae((root / name).string(), config, saved);
  nlohmann::json report{{"latents_mean", config.mean}, {"latents_std", config.std}};
  const Vae vae = Model(saved, dtype_);
  for (const ClipSet& set : source_->HeldOut()) {
    const PsnrReport psnr = EvaluateVae(vae, set.clips, set.clip);
    report["psnr"][set.name] = {{"clips", set.clips}, {"mean", psnr.mean}, {"worst", psnr.worst}};
    spdlog::info("{}: PSNR {:.2f} dB over {} clips kept back, {:.2f} the worst", set.name,
                 psnr.mean, set.clips, psnr.worst);
  }
  std::ofstream(root / "vae.json") << report.dump(2) << '\n';
}

}  // namespace t3
