// Training the denoiser, whole or by LoRA, alone or with its text encoder.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "models/dit/dit.h"
#include "models/text_encoder/text_encoder.h"
#include "pipeline/load_models.h"
#include "pipeline/model_info.h"
#include "training/batch_source.h"
#include "training/flow.h"
#include "training/task.h"
#include "training/train_config.h"

namespace t3 {

// Leaves: "dit.NAME" (or "dit.MODULE.lora_A.weight", ...) and "text_encoder.NAME". In bf16 the
// forward pass works on bf16 copies of the fp32 weights, so gradients arrive in fp32.
class DitTask : public Task {
 public:
  // `dtype` of the computation. Loads the weights; throws Error as loading does.
  DitTask(const TrainConfig& config, const ModelInfo& model, std::unique_ptr<BatchSource> source,
          at::ScalarType dtype, const RunContext& context);

  const TensorMap& leaves() const override { return leaves_; }
  MicroBatchResult Accumulate(int64_t step, int64_t micro, double scale) override;
  void SaveModel(const TensorMap& weights, const std::string& folder) const override;
  nlohmann::json Identity() const override;

  // The denoiser with these weights (by the names of leaves()), for inference.
  Dit Model(const TensorMap& weights) const;

 private:
  at::Tensor EncodeEmptyPrompt(const RunContext& context) const;
  TensorMap DitWeights(const TensorMap& weights) const;
  TensorMap TextWeights(const TensorMap& weights) const;
  TextContext PrepareTexts(const Dit& dit, const Batch& batch, const StepRandom& random) const;
  const AttentionLayout& AttentionFor(const at::Tensor& latents);
  Metadata AttentionMetadata() const;
  void SaveText(const TensorMap& weights, const std::string& folder) const;

  TrainConfig config_;
  ModelInfo model_;
  std::unique_ptr<BatchSource> source_;
  at::ScalarType dtype_;
  at::Device device_;
  TimestepTable timesteps_;
  TensorMap leaves_;
  TensorMap frozen_;       // the base's weights under LoRA, else empty
  at::Tensor empty_text_;  // the encoded empty prompt; undefined where it is not wanted
  SegmentRunners runners_;   // none where activations are kept
  std::map<std::pair<Grid, int64_t>, AttentionLayout> attention_;  // by grid and batch
};

}  // namespace t3
