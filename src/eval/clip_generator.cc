// Denoises, decodes and encodes held-out scenes, and takes their loss.
#include "eval/clip_generator.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/check.h"
#include "base/seconds_since.h"
#include "loading/load_models.h"
#include "pipeline/clip_colors.h"
#include "pipeline/decode.h"
#include "pipeline/denoise.h"
#include "pipeline/encode_clip.h"
#include "pipeline/frame_codes.h"
#include "pipeline/memory_check.h"
#include "pipeline/refinement.h"
#include "pipeline/source_clip.h"
#include "runtime/device.h"
#include "sampling/noise.h"
#include "training/dit/flow.h"

namespace t3 {

ClipGenerator::ClipGenerator(const ModelInfo& model, const Job& job, at::ScalarType dtype,
                             int64_t batch, const RunContext& context)
    : model_(model),
      job_(job),
      dtype_(dtype),
      context_(context),
      quiet_{silent_, context.cancel, context.device, context.device_limit},
      attention_(AttentionLayout::Make(job.attention.pattern, job.attention.windows,
                                       job.segment.grid, model.dit.num_layers, model.dit.head_dim(),
                                       context.device)),
      batch_(batch) {}

RunMemory ClipGenerator::Memory() const {
  return PlanRunMemory(model_, job_, dtype_,
                       BudgetOf(context_.device, {.device = context_.device_limit}));
}

void ClipGenerator::LoadDenoiser() {
  const RunMemory memory = Memory();
  dit_.emplace(LoadDit(model_, dtype_, memory.Blocks(), context_, ExcludedSteps(job_, dtype_) > 0));
  dit_->set_scratch_bytes(memory.denoiser_scratch);
}

void ClipGenerator::ShareNetworks(const ClipGenerator& loaded) {
  decoder_ = loaded.decoder_;
  if (&loaded.model_ != &model_) return LoadDenoiser();  // with other LoRAs; both stay
  dit_ = loaded.dit_;
  dit_->set_scratch_bytes(Memory().denoiser_scratch);
}

void ClipGenerator::LoadDecoder() { decoder_ = t3::LoadDecoder(model_, dtype_, context_); }

void ClipGenerator::LoadEncoder() {
  encoder_.emplace(LoadVae(model_, VaeHalf::kEncoder, at::kFloat, context_));
  if (job_.refines()) clip_encoder_.emplace(model_, dtype_, context_, nullptr);
}

std::vector<int64_t> ClipGenerator::LatentShape() const {
  const Grid& latent = job_.geometry.latent;
  return {1, model_.dit.latent_channels, latent.t, latent.h, latent.w};
}

at::Tensor ClipGenerator::Decode(const at::Tensor& latents) const {
  Stage stage(quiet_, "decoding", job_.geometry.frames);
  return DecodeToTensor(*decoder_, latents, job_.geometry, stage);
}

at::Tensor ClipGenerator::Latents(const EvalItem& item, const at::Tensor& source,
                                  Stage& stage) const {
  DenoiseInput input;
  input.sampling = job_.sampling;
  input.noise = TorchNoise(item.noise_seed, LatentShape())[0];
  input.source = source;
  input.prompt = item.embeds.prompt.embeds;
  input.negative = item.embeds.negative.embeds;
  input.seed = item.noise_seed;
  input.segments = job_.segments;
  input.excluded_steps = ExcludedSteps(job_, dtype_);
  return Denoise(*dit_, attention_, input, context_.device, stage);
}

std::vector<at::Tensor> ClipGenerator::Generate(const std::vector<EvalItem>& items) const {
  const c10::NoGradGuard no_grad;
  Stage stage(quiet_, "denoising", job_.steps());
  std::vector<at::Tensor> clips;
  if (draft_ != nullptr) {
    const std::vector<at::Tensor> drafts = draft_->Generate(items);
    for (size_t i = 0; i < items.size(); ++i) clips.push_back(Refine(items[i], drafts[i], stage));
    return clips;
  }
  if (batch_ == 1) {
    for (const EvalItem& item : items) clips.push_back(Decode(Latents(item, {}, stage)));
    return clips;
  }
  DenoiseBatchInput input{job_.sampling, {}, {}, {}, {}, ExcludedSteps(job_, dtype_)};
  std::vector<at::Tensor> noise;
  for (const EvalItem& item : items) {
    noise.push_back(TorchNoise(item.noise_seed, LatentShape()));
    input.seeds.push_back(item.noise_seed);
    input.prompts.push_back(item.embeds.prompt.embeds);
    if (job_.sampling.guidance != 1) input.negative.push_back(item.embeds.negative.embeds);
  }
  input.noise = at::cat(noise);
  const AttentionLayout attention = attention_.Repeat(static_cast<int64_t>(items.size()));
  for (const at::Tensor& latents : DenoiseBatch(*dit_, attention, input, stage).unbind()) {
    clips.push_back(Decode(latents));
  }
  return clips;
}

// The same as a run does with its draft: see pipeline/generation_source.cc.
at::Tensor ClipGenerator::Refine(const EvalItem& item, const at::Tensor& draft,
                                 Stage& stage) const {
  const VideoGeometry& video = job_.geometry;
  const std::string folder = std::filesystem::temp_directory_path().string();
  const auto spool =
      std::make_shared<RowSpool>(folder, draft.size(1), draft.size(2), draft.size(3));
  for (int64_t t = 0; t < draft.size(1); ++t) {
    spool->Write(t, FrameCodes(draft.select(1, t)).cpu().contiguous().const_data_ptr<int16_t>());
  }
  const auto source = SpooledClip(spool, draft.size(1), video.padded_width, video.padded_height);
  Stage encoding(quiet_, "encoding draft", video.frames);
  const at::Tensor encoded =
      EncodeClip(*clip_encoder_, *source, video.latent.t, EncodedFrames(job_), folder, encoding);
  if (job_.steps() == 0) return Decode(encoded);
  const at::Tensor clip = Decode(Latents(item, encoded, stage));
  if (!MatchesColors(job_)) return clip;
  ClipColors colors(source.get(), video, clip.device());
  for (int64_t t = 0; t < clip.size(1); ++t)
    clip.select(1, t).copy_(colors.Match(clip.select(1, t).contiguous()));
  return clip;
}

at::Tensor ClipGenerator::ThroughVae(const at::Tensor& video) const {
  const c10::NoGradGuard no_grad;
  return Decode(encoder_->Encode(video));
}

double ClipGenerator::Loss(const EvalItem& item, const at::Tensor& video, int64_t seed) const {
  const c10::NoGradGuard no_grad;
  const at::Tensor latents = encoder_->Encode(video).to(at::kFloat);
  const TimestepTable table({.shift = job_.sampling.shift});
  const StepRandom random(seed, static_cast<int64_t>(item.number), 0);
  const NoisyBatch noisy =
      AddNoise(latents.unsqueeze(0).expand({kLossDraws, -1, -1, -1, -1}), table, random);
  const TextContext text = dit_->PrepareText(item.embeds.prompt.embeds.to(context_.device));
  std::vector<at::Tensor> velocities;
  for (int64_t i = 0; i < kLossDraws; ++i) {
    context_.CheckCancelled();
    velocities.push_back(dit_->Forward(noisy.noisy[i], noisy.timesteps[static_cast<size_t>(i)], 0,
                                       text, attention_));
  }
  return FlowLoss(at::stack(velocities), noisy).item<double>();
}

double ClipGenerator::ForwardSeconds(const EvalItem& item) const {
  constexpr int kRuns = 5;
  const c10::NoGradGuard no_grad;
  const at::Tensor x = TorchNoise(item.noise_seed, LatentShape())[0].to(context_.device);
  const TextContext text = dit_->PrepareText(item.embeds.prompt.embeds.to(context_.device));
  std::vector<double> seconds;
  for (int run = 0; run <= kRuns; ++run) {
    context_.CheckCancelled();
    Synchronize(context_.device);
    const auto start = std::chrono::steady_clock::now();
    dit_->Forward(x, 500, 0, text, attention_);
    Synchronize(context_.device);
    if (run > 0) seconds.push_back(SecondsSince(start));  // the first one warms up
  }
  std::nth_element(seconds.begin(), seconds.begin() + kRuns / 2, seconds.end());
  return seconds[kRuns / 2];
}

}  // namespace t3
