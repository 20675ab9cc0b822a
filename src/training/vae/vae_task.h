// The task "vae": trains both halves of a VAE together, or the decoder only.
#pragma once

#include <memory>
#include <string>

#include "arch/naming.h"
#include "config/model_config.h"
#include "models/vae/vae.h"
#include "runtime/stage.h"
#include "training/loop/task.h"
#include "training/vae/clip_source.h"
#include "training/vae/vae_config.h"

namespace t3 {

// A VAE's file, opened.
struct VaeFile {
  std::string path;
  NamedViews views;
  VaeConfig config;
};

// Throws Error when the file is missing, is not a VAE, or lacks tensors of either half.
VaeFile OpenVaeFile(const std::string& path);

// The name under which a model's folder has it.
const char* VaeFileName(VaeVersion version);

// Whether the encoder half has it, `conv1` after the encoder included.
bool IsEncoderTensor(const std::string& name);

// What Task::Identity gives; `data`: ClipSource::Digest.
nlohmann::json VaeIdentity(const VaeFile& file, const std::string& data);

// Leaves: fp32, by the original names of VaeTensors; those of the decoder only with
// config.decoder_only. In bf16 both passes work on bf16 copies.
class VaeTask : public Task {
 public:
  // Loads the weights; throws Error as loading does. `dtype`: of the computation.
  VaeTask(const VaeTrainConfig& config, const VaeFile& file, std::unique_ptr<ClipSource> source,
          at::ScalarType dtype, at::Device device);

  const TensorMap& leaves() const override { return leaves_; }
  MicroBatchResult ForwardBackward(int64_t step, int64_t micro, double scale) override;
  // Measures the latents' statistics and writes Wan2.1_VAE.safetensors (or Wan2.2_...), then
  // vae.json with the PSNR on held-out clips.
  void SaveModel(const TensorMap& weights, const std::string& folder) const override;
  nlohmann::json Identity() const override { return identity_; }

 private:
  // All weights in `dtype`: `weights` (of the leaves) and the frozen ones.
  TensorMap AllWeights(const TensorMap& weights, at::ScalarType dtype) const;

  VaeTrainConfig config_;
  VaeConfig vae_;
  std::unique_ptr<ClipSource> source_;
  at::ScalarType dtype_;
  TensorMap leaves_;
  TensorMap frozen_;  // by the same names, fp32
  nlohmann::json identity_;
};

}  // namespace t3
