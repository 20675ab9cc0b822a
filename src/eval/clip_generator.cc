// Denoises, decodes and encodes held-out scenes, and takes their loss.
#include "eval/clip_generator.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/seconds_since.h"
#include "eval/eval_memory.h"
#include "loading/load_models.h"
#include "pipeline/clip_colors.h"
#include "pipeline/decode.h"
#include "pipeline/denoise.h"
#include "pipeline/encode_clip.h"
#include "pipeline/frame_codes.h"
#include "pipeline/refinement.h"
#include "pipeline/source_clip.h"
#include "runtime/device.h"
#include "sampling/noise.h"
#include "training/dit/flow.h"

namespace t3 {
namespace {

// A draft (3,frames,height,width) as the clip that the video starts from.
std::unique_ptr<SourceClip> SpoolDraft(const at::Tensor& draft, const VideoGeometry& video,
                                       const std::string& folder) {
  const auto spool =
      std::make_shared<RowSpool>(folder, draft.size(1), draft.size(2), draft.size(3));
  for (int64_t t = 0; t < draft.size(1); ++t) {
    spool->Write(t, FrameCodes(draft.select(1, t)).cpu().contiguous().const_data_ptr<int16_t>());
  }
  return SpooledClip(spool, draft.size(1), video.padded_width, video.padded_height);
}

void MatchColors(const SourceClip& source, const VideoGeometry& video, at::Tensor& clip) {
  ClipColors colors(&source, video, clip.device());
  for (int64_t t = 0; t < clip.size(1); ++t)
    clip.select(1, t).copy_(colors.Match(clip.select(1, t).contiguous()));
}

}  // namespace

ClipGenerator::ClipGenerator(const EvalPlan& plan, const ClipPlan& clips,
                             ResidentNetworks& networks, const RunContext& context)
    : plan_(plan),
      clips_(clips),
      job_(clips.job),
      model_(DenoisedBy(*plan.model, clips.job)),
      networks_(networks),
      context_(context),
      quiet_{silent_, context.cancel, context.device, context.device_limit},
      attention_(AttentionLayout::Make(job_.attention.pattern, job_.attention.windows,
                                       job_.segment.grid, model_.dit.num_layers,
                                       model_.dit.head_dim(), context.device)) {}

// Models differ in their LoRAs, the denoisers of one model in where their blocks are and in their
// forms.
Dit& ClipGenerator::Denoiser() const {
  const RunMemory& memory = clips_.memory;
  const bool also_bf16 = ExcludedSteps(job_, plan_.dtype) > 0;
  const std::string key =
      fmt::format("denoiser {} {} {}", fmt::ptr(&model_), memory.stream_weights, also_bf16);
  Dit& dit = networks_.Use<Dit>(key, NeedOf(memory, StageKind::kDenoiser), [&] {
    return std::make_unique<Dit>(
        LoadDit(model_, plan_.dtype, memory.Blocks(), context_, also_bf16));
  });
  dit.set_scratch_bytes(memory.denoiser_scratch);
  return dit;
}

const VideoDecoder& ClipGenerator::Decoder() const {
  return networks_.Use<VideoDecoder>("decoder", NeedOf(clips_.memory, StageKind::kDecoder),
                                     [&] { return LoadDecoder(model_, plan_.dtype, context_); });
}

const ClipEncoder& ClipGenerator::DraftEncoder() const {
  return networks_.Use<ClipEncoder>(
      "draft encoder", NeedOf(clips_.memory, StageKind::kVideoEncoder),
      [&] { return std::make_unique<ClipEncoder>(model_, plan_.dtype, context_, nullptr); });
}

const Vae& ClipGenerator::TrueEncoder() const {
  return networks_.Use<Vae>("true encoder", plan_.true_encoder, [&] {
    return std::make_unique<Vae>(LoadVae(model_, VaeHalf::kEncoder, at::kFloat, context_));
  });
}

std::vector<int64_t> ClipGenerator::LatentShape() const {
  const Grid& latent = job_.geometry.latent;
  return {1, model_.dit.latent_channels, latent.t, latent.h, latent.w};
}

at::Tensor ClipGenerator::Decode(const at::Tensor& latents) const {
  const VideoDecoder& decoder = Decoder();
  Stage stage(quiet_, "decoding", job_.geometry.frames);
  return DecodeToTensor(decoder, latents, job_.geometry, stage);
}

std::vector<at::Tensor> ClipGenerator::Latents(const std::vector<EvalItem>& items,
                                               const std::vector<at::Tensor>& sources) const {
  const Dit& dit = Denoiser();
  Stage stage(quiet_, "denoising", job_.steps());
  std::vector<at::Tensor> latents;
  for (const EvalItem& item : items) {
    DenoiseInput input;
    input.sampling = job_.sampling;
    input.noise = TorchNoise(item.noise_seed, LatentShape())[0];
    if (!sources.empty()) input.source = sources[latents.size()];
    input.prompt = item.embeds.prompt.embeds;
    input.negative = item.embeds.negative.embeds;
    input.seed = item.noise_seed;
    input.segments = job_.segments;
    input.excluded_steps = ExcludedSteps(job_, plan_.dtype);
    latents.push_back(Denoise(dit, attention_, input, context_.device, stage));
  }
  return latents;
}

std::vector<at::Tensor> ClipGenerator::LatentsTogether(const std::vector<EvalItem>& items) const {
  const Dit& dit = Denoiser();
  Stage stage(quiet_, "denoising", job_.steps());
  DenoiseBatchInput input{job_.sampling, {}, {}, {}, {}, ExcludedSteps(job_, plan_.dtype)};
  std::vector<at::Tensor> noise;
  for (const EvalItem& item : items) {
    noise.push_back(TorchNoise(item.noise_seed, LatentShape()));
    input.seeds.push_back(item.noise_seed);
    input.prompts.push_back(item.embeds.prompt.embeds);
    if (job_.sampling.guidance != 1) input.negative.push_back(item.embeds.negative.embeds);
  }
  input.noise = at::cat(noise);
  const AttentionLayout attention = attention_.Repeat(static_cast<int64_t>(items.size()));
  return DenoiseBatch(dit, attention, input, stage).unbind();
}

std::vector<at::Tensor> ClipGenerator::Generate(const std::vector<EvalItem>& items) const {
  const c10::NoGradGuard no_grad;
  if (draft_ != nullptr) return Refine(items, draft_->Generate(items));
  std::vector<at::Tensor> clips;
  for (const at::Tensor& latents : plan_.batch == 1 ? Latents(items, {}) : LatentsTogether(items))
    clips.push_back(Decode(latents));
  return clips;
}

// The same as a run does with its draft: see pipeline/generation_source.cc. Each network works for
// all clips before the next one, because they may not be in memory together.
std::vector<at::Tensor> ClipGenerator::Refine(const std::vector<EvalItem>& items,
                                              std::vector<at::Tensor> drafts) const {
  const VideoGeometry& video = job_.geometry;
  const std::string folder = std::filesystem::temp_directory_path().string();
  std::vector<std::unique_ptr<SourceClip>> sources;
  for (const at::Tensor& draft : drafts) sources.push_back(SpoolDraft(draft, video, folder));
  drafts.clear();
  const ClipEncoder& encoder = DraftEncoder();
  std::vector<at::Tensor> latents;
  for (const auto& source : sources) {
    Stage stage(quiet_, "encoding draft", video.frames);
    latents.push_back(
        EncodeClip(encoder, *source, video.latent.t, EncodedFrames(job_), folder, stage));
  }
  if (job_.steps() > 0) latents = Latents(items, latents);
  std::vector<at::Tensor> clips;
  for (size_t i = 0; i < items.size(); ++i) {
    clips.push_back(Decode(latents[i]));
    if (job_.steps() > 0 && MatchesColors(job_)) MatchColors(*sources[i], video, clips.back());
  }
  return clips;
}

at::Tensor ClipGenerator::ThroughVae(const at::Tensor& video) const {
  const c10::NoGradGuard no_grad;
  return Decode(TrueEncoder().Encode(video));
}

double ClipGenerator::Loss(const EvalItem& item, const at::Tensor& video, int64_t seed) const {
  const c10::NoGradGuard no_grad;
  const at::Tensor latents = TrueEncoder().Encode(video).to(at::kFloat);
  const TimestepTable table({.shift = job_.sampling.shift});
  const StepRandom random(seed, static_cast<int64_t>(item.number), 0);
  const NoisyBatch noisy =
      AddNoise(latents.unsqueeze(0).expand({kLossDraws, -1, -1, -1, -1}), table, random);
  const Dit& dit = Denoiser();
  const TextContext text = dit.PrepareText(item.embeds.prompt.embeds.to(context_.device));
  std::vector<at::Tensor> velocities;
  for (int64_t i = 0; i < kLossDraws; ++i) {
    context_.CheckCancelled();
    velocities.push_back(
        dit.Forward(noisy.noisy[i], noisy.timesteps[static_cast<size_t>(i)], 0, text, attention_));
  }
  return FlowLoss(at::stack(velocities), noisy).item<double>();
}

double ClipGenerator::ForwardSeconds(const EvalItem& item) const {
  constexpr int kRuns = 5;
  const c10::NoGradGuard no_grad;
  const at::Tensor x = TorchNoise(item.noise_seed, LatentShape())[0].to(context_.device);
  const Dit& dit = Denoiser();
  const TextContext text = dit.PrepareText(item.embeds.prompt.embeds.to(context_.device));
  std::vector<double> seconds;
  for (int run = 0; run <= kRuns; ++run) {
    context_.CheckCancelled();
    Synchronize(context_.device);
    const auto start = std::chrono::steady_clock::now();
    dit.Forward(x, 500, 0, text, attention_);
    Synchronize(context_.device);
    if (run > 0) seconds.push_back(SecondsSince(start));  // the first one warms up
  }
  std::nth_element(seconds.begin(), seconds.begin() + kRuns / 2, seconds.end());
  return seconds[kRuns / 2];
}

}  // namespace t3
