// The task "dit": trains the denoiser, all weights or a LoRA, alone or with its text encoder.
#pragma once

#include <memory>
#include <string>

#include "loading/load_models.h"
#include "loading/model_info.h"
#include "models/dit/dit.h"
#include "models/text_encoder/text_encoder.h"
#include "training/dit/attention_cache.h"
#include "training/dit/batch_source.h"
#include "training/dit/dit_config.h"
#include "training/dit/flow.h"
#include "training/dit/trained_dit.h"
#include "training/loop/task.h"

namespace t3 {

// Distinguishes denoisers by their weights, LoRAs and attention.
nlohmann::json DenoiserIdentity(const AttentionConfig& config, const ModelInfo& model);

// What Task::Identity gives: also the other parts, by contents. `data`: BatchSource::Digest.
nlohmann::json DitIdentity(const DitTrainConfig& config, const ModelInfo& model,
                           const std::string& data);

// Leaves: "dit.NAME" (or "dit.MODULE.lora_A.weight", ...) and "text_encoder.NAME". In bf16 the
// forward pass works on bf16 copies of the fp32 weights, so gradients arrive in fp32.
class DitTask : public Task {
 public:
  // Loads the weights; throws Error as loading does. `dtype`: of the computation. `ranks`: those
  // that share the tokens of each micro batch, whose gradients are sums over them; nullptr: this
  // process alone.
  DitTask(const DitTrainConfig& config, const ModelInfo& model, std::unique_ptr<BatchSource> source,
          at::ScalarType dtype, const RunContext& context, RankGroup* ranks = nullptr);

  const TensorMap& leaves() const override { return leaves_; }
  MicroBatchResult ForwardBackward(int64_t step, int64_t micro, double scale) override;
  void SaveModel(const TensorMap& weights, const std::string& folder) const override;
  nlohmann::json Identity() const override {
    return DitIdentity(config_, model_, source_->Digest());
  }

  // The denoiser with these weights (by the names of leaves()), for inference.
  Dit Model(const TensorMap& weights) const;

  // Loss of `weights` on micro batch `micro` of `source`, with noise and timesteps that follow
  // from `micro` alone, and without prompt dropout.
  double ValidationLoss(const TensorMap& weights, BatchSource& source, int64_t micro);

 private:
  at::Tensor EncodeEmptyPrompt(const RunContext& context) const;
  TensorMap TextWeights(const TensorMap& weights) const;
  at::Tensor Loss(const Dit& dit, const TextContext& text, const Batch& batch,
                  const StepRandom& random, const SegmentRunners& runners,
                  AttentionCache& attention);
  TextContext PrepareTexts(const TensorMap& weights, const Dit& dit, const Batch& batch,
                           const StepRandom& random, double prompt_dropout) const;
  void SaveText(const TensorMap& weights, const std::string& folder) const;

  DitTrainConfig config_;
  ModelInfo model_;
  std::unique_ptr<BatchSource> source_;
  at::ScalarType dtype_;
  at::Device device_;
  TimestepTable timesteps_;
  TrainedDit denoiser_;
  TensorMap leaves_;
  at::Tensor empty_text_;     // the encoded empty prompt; undefined without prompt dropout
  SegmentRunners runners_;    // empty when activations are stored
  AttentionCache attention_;  // of training
  AttentionCache alone_;      // of validation
};

}  // namespace t3
