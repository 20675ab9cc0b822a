// Training a VAE, both halves together.
#pragma once

#include <memory>
#include <string>

#include "arch/naming.h"
#include "config/model_config.h"
#include "models/vae/vae.h"
#include "pipeline/stage.h"
#include "training/clip_source.h"
#include "training/task.h"
#include "training/train_config.h"
#include "training/vae/vae_loss.h"

namespace t3 {

// A VAE's file, opened.
struct VaeFile {
  std::string path;
  NamedViews views;
  VaeConfig config;
};

// config.model.vae. Throws Error when it is missing, no VAE, or half of one.
VaeFile OpenVaeFile(const TrainConfig& config);

// Leaves by the original names of VaeTensors, fp32; the decoder's alone where the configuration
// says so. In bf16 the passes work on bf16 copies of them.
class VaeTask : public Task {
 public:
  // `dtype` of the computation. Loads the weights; throws Error as loading does.
  VaeTask(const TrainConfig& config, const VaeFile& file, std::unique_ptr<ClipSource> source,
          at::ScalarType dtype, at::Device device);

  const TensorMap& leaves() const override { return leaves_; }
  MicroBatchResult Accumulate(int64_t step, int64_t micro, double scale) override;
  // Measures the latents and writes Wan2.1_VAE.safetensors (or Wan2.2_...), then vae.json with the
  // PSNR on the clips kept back.
  void SaveModel(const TensorMap& weights, const std::string& folder) const override;
  nlohmann::json Identity() const override { return identity_; }

 private:
  // `weights` of the leaves and what is frozen, in `dtype`.
  TensorMap Whole(const TensorMap& weights, at::ScalarType dtype) const;
  // Of all weights.
  Vae Model(const TensorMap& whole, at::ScalarType dtype) const;

  TrainConfig config_;
  VaeConfig vae_;
  VaeLossOptions loss_;
  std::unique_ptr<ClipSource> source_;
  at::ScalarType dtype_;
  TensorMap leaves_;
  TensorMap frozen_;  // by the same names, fp32
  nlohmann::json identity_;
};

}  // namespace t3
