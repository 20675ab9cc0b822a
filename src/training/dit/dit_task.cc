// Loads, runs and saves the denoiser in training.
#include "training/dit/dit_task.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <filesystem>

#include "arch/text_encoder.h"
#include "base/check.h"
#include "config/presets.h"
#include "loading/tensor_file.h"
#include "nn/load.h"
#include "pipeline/text_stage.h"
#include "training/data/model_digest.h"
#include "training/dit/dit_file.h"
#include "training/dit/model_folder.h"
#include "training/dit/recompute.h"
#include "training/dit/world_latents.h"
#include "training/loop/weights_identity.h"

namespace t3 {
namespace {

constexpr std::string_view kDitPrefix = "dit.";
constexpr std::string_view kTextPrefix = "text_encoder.";
constexpr int32_t kEndToken = 1;  // the only token of an empty prompt

TensorMap WithoutPrefix(const TensorMap& tensors, std::string_view prefix) {
  TensorMap renamed;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(prefix)) renamed[name.substr(prefix.size())] = tensor;
  }
  return renamed;
}

void AddLeaves(const TensorMap& tensors, std::string_view prefix, TensorMap* leaves) {
  for (const auto& [name, tensor] : tensors) {
    (*leaves)[std::string(prefix) + name] = tensor.detach().requires_grad_();
  }
}

}  // namespace

nlohmann::json DenoiserIdentity(const AttentionConfig& config, const ModelInfo& model) {
  nlohmann::json identity{{"loras", DigestLoras(model)},
                          {"attention", AttentionMetadata(config, model)}};
  AddWeights("denoiser", model.dit_views, &identity);
  return identity;
}

nlohmann::json DitIdentity(const DitTrainConfig& config, const ModelInfo& model,
                           const std::string& data) {
  nlohmann::json identity = DenoiserIdentity(config, model);
  identity["data"] = data;
  if (config.data.world) identity["batches"] = WorldBatchesText(*config.data.world);
  if (model.text) AddWeights("text_encoder", model.text_views, &identity);
  if (model.vae) AddWeights("vae", model.vae_views, &identity);
  if (const std::string tokenizer = DigestTokenizer(model); !tokenizer.empty())
    identity["tokenizer"] = tokenizer;
  if (model.decoder && config.data.world && HasDrafts(config.data))
    AddWeights("decoder", model.decoder->views, &identity);
  return identity;
}

DitTask::DitTask(const DitTrainConfig& config, const ModelInfo& model,
                 std::unique_ptr<BatchSource> source, at::ScalarType dtype,
                 const RunContext& context, RankGroup* ranks)
    : config_(config),
      model_(model),
      source_(std::move(source)),
      dtype_(dtype),
      device_(context.device),
      timesteps_(config.timesteps),
      denoiser_(model, config.lora, nullptr, config.seed, dtype, context.device),
      attention_(model, config, context.device, ranks),
      alone_(model, config, context.device) {
  T3_CHECK(config.image_to_video == 0 || FamilyOf(model.dit.latent_channels) == ModelFamily::kWan22,
           "\"image_to_video\" needs a model that makes video from images (Wan2.2-TI2V, 48 latent "
           "channels); this one has {} latent channels",
           model.dit.latent_channels);
  AddLeaves(denoiser_.leaves(), kDitPrefix, &leaves_);
  if (config.train_text_encoder) {
    CheckTextEncoder(model);
    LoadOptions options;
    options.device = device_;
    AddLeaves(LoadTensors(model.text_views, TextEncoderTensors(*model.text), TextEncoderNaming(),
                          options),
              kTextPrefix, &leaves_);
  } else if (config.prompt_dropout > 0) {
    empty_text_ = EncodeEmptyPrompt(context);
  }
  if (config.activations != Activations::kStore) {
    runners_ = Recompute(config.activations == Activations::kOffload);
  }
}

at::Tensor DitTask::EncodeEmptyPrompt(const RunContext& context) const {
  const at::Tensor stored = source_->EmptyText();
  if (stored.defined()) return stored.to(device_);
  CheckTextEncoder(model_);
  std::vector<Result::Stage> stages;
  return EncodeTexts(model_, {""}, dtype_, context, stages).at("").embeds.to(device_);
}

TensorMap DitTask::TextWeights(const TensorMap& weights) const {
  TensorMap selected = WithoutPrefix(weights, kTextPrefix);
  for (auto& [name, tensor] : selected) tensor = tensor.to(dtype_);
  return selected;
}

Dit DitTask::Model(const TensorMap& weights) const {
  return denoiser_.Model(WithoutPrefix(weights, kDitPrefix));
}

TextContext DitTask::PrepareTexts(const TensorMap& weights, const Dit& dit, const Batch& batch,
                                  const StepRandom& random, double prompt_dropout) const {
  const auto dropped = [&](size_t i) {
    return random.Uniform(Draw::kDropout, static_cast<int64_t>(i)) < prompt_dropout;
  };
  if (!config_.train_text_encoder) {
    std::vector<at::Tensor> texts;
    for (size_t i = 0; i < batch.text.size(); ++i) {
      texts.push_back(dropped(i) ? empty_text_ : batch.text[i].to(device_));
    }
    return dit.PrepareTexts(texts, ExecutionMode::kDifferentiable);
  }
  std::vector<std::vector<int32_t>> ids = batch.ids;
  std::vector<int64_t> lengths;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (dropped(i)) ids[i] = {kEndToken};
    lengths.push_back(std::ssize(ids[i]));
  }
  return dit.PrepareTexts(TextEncoder(*model_.text, TextWeights(weights)).EncodePadded(ids),
                          lengths, ExecutionMode::kDifferentiable);
}

at::Tensor DitTask::Loss(const Dit& dit, const TextContext& text, const Batch& batch,
                         const StepRandom& random, const SegmentRunners& runners,
                         AttentionCache& attention) {
  NoisyBatch noisy =
      AddNoise(batch.latents.to(device_, at::kFloat), timesteps_, random, config_.image_to_video);
  if (batch.weights.defined()) WeighPlaces(batch.weights, &noisy);
  const at::Tensor velocity =
      dit.ForwardBatch(noisy.noisy, noisy.timesteps, text, attention.For(batch.latents), runners,
                       noisy.clean_frames);
  return FlowLoss(velocity, noisy);
}

MicroBatchResult DitTask::ForwardBackward(int64_t step, int64_t micro, double scale) {
  const StepRandom random(config_.seed, step, micro);
  Batch batch = source_->Get(step, micro);
  // Recomputed segments use both again in the backward pass.
  const Dit dit = Model(leaves_);
  const TextContext text = PrepareTexts(leaves_, dit, batch, random, config_.prompt_dropout);
  const at::Tensor loss = Loss(dit, text, batch, random, runners_, attention_);
  (loss * scale).backward();
  return {loss.detach(), std::move(batch.items)};
}

double DitTask::ValidationLoss(const TensorMap& weights, BatchSource& source, int64_t micro) {
  const c10::NoGradGuard no_grad;
  const StepRandom random(0, -1, micro);
  Batch batch = source.Get(0, micro);
  batch.weights.reset();  // the loss of every configuration alike
  const Dit dit = Model(weights);
  const TextContext text = PrepareTexts(weights, dit, batch, random, /*prompt_dropout=*/0);
  return Loss(dit, text, batch, random, {}, alone_).item<double>();
}

void DitTask::SaveText(const TensorMap& weights, const std::string& folder) const {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const auto& [name, tensor] : WithoutPrefix(weights, kTextPrefix)) {
    tensors.emplace_back(name, config_.save_dtype == "bf16" ? tensor.to(at::kBFloat16) : tensor);
  }
  SaveTensors((std::filesystem::path(folder) / kTextEncoderFile).string(), tensors, {});
}

void DitTask::SaveModel(const TensorMap& weights, const std::string& folder) const {
  const std::filesystem::path root(folder);
  std::filesystem::create_directories(root);
  SaveDit(config_, model_, WithoutPrefix(weights, kDitPrefix), {}, folder);
  if (config_.train_text_encoder) SaveText(weights, folder);
  LinkOtherParts(model_, folder, /*text_encoder=*/!config_.train_text_encoder);
}

}  // namespace t3
