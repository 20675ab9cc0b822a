// Renders, encodes and caches clips of the world.
#include "training/dit/world_latents.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <filesystem>

#include "base/check.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/mix_bits.h"
#include "loading/load_models.h"
#include "loading/tensor_file.h"
#include "nn/weights_digest.h"
#include "pipeline/frame_ops.h"
#include "plan/geometry.h"
#include "tokenizer/clean.h"
#include "training/loop/step_random.h"
#include "world/held_out.h"
#include "world/world.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLatentsName = "latents";
constexpr const char* kIdentityKey = "t3.world";
// Pixels, over all frames, that are encoded at once.
constexpr int64_t kCpuEncodePixels = 1 << 19, kGpuEncodePixels = 1 << 23;

std::vector<int64_t> TurnsOfSizes(const std::vector<WorldLatentSize>& sizes) {
  std::vector<int64_t> turns;
  for (const WorldLatentSize& size : sizes) turns.push_back(size.turns);
  return turns;
}

WorldScene SceneOfClip(int64_t seed, int64_t clip) {
  return TrainingScene(MixBits(MixBits(static_cast<uint64_t>(seed)) ^ static_cast<uint64_t>(clip)));
}

// video (B,3,F,H,W) -> (B,z,T,h,w) in model space.
at::Tensor EncodeVideos(const Vae& vae, const at::Tensor& video) {
  const VaeConfig& config = vae.config();
  const auto per_channel = [&](const std::vector<double>& values) {
    return at::tensor(values).to(video.options()).view({-1, 1, 1, 1});
  };
  const int64_t pixels = video.size(2) * video.size(3) * video.size(4);
  const int64_t chunk =
      std::max<int64_t>(1, (video.is_cuda() ? kGpuEncodePixels : kCpuEncodePixels) / pixels);
  std::vector<at::Tensor> parts;
  for (const at::Tensor& part : video.split(chunk)) {
    const at::Tensor mean = vae.EncodeMoments(part).narrow(1, 0, config.latent_channels);
    parts.push_back((mean - per_channel(config.mean)) / per_channel(config.std));
  }
  return at::cat(parts);
}

// Clips (3,F,H,W) as a run that refines a draft would encode them.
at::Tensor EnlargedDrafts(const at::Tensor& videos, const WorldLatentSize& size, const Vae& vae,
                          const VideoDecoder& decoder, const RunContext& context) {
  FrameScaler scaler(size.draft_width, size.draft_height, size.width, size.height, context.device,
                     context.device.is_cuda());
  std::vector<at::Tensor> clips;
  for (const at::Tensor& video : videos.unbind()) {
    const at::Tensor decoded = decoder.Decode(vae.Encode(video));
    std::vector<at::Tensor> frames;
    for (const at::Tensor& frame : decoded.unbind(1))
      frames.push_back(scaler.Scale(frame.contiguous()));
    clips.push_back(at::stack(frames, 1));
  }
  return at::stack(clips);
}

// `decoder`: for drafts, else nullptr.
at::Tensor RenderAndEncode(const WorldLatentSize& config, int64_t seed, const Vae& vae,
                           const VideoDecoder* decoder, const RunContext& context) {
  const c10::NoGradGuard no_grad;
  WorldView view{.width = config.width, .height = config.height, .frames = config.frames};
  if (config.is_draft()) view.width = config.draft_width, view.height = config.draft_height;
  Stage stage(context, "encoding the world", config.clips);
  at::Tensor latents;
  for (int64_t first = 0; first < config.clips; first += config.together) {
    std::vector<WorldScene> scenes;
    for (int64_t i = first; i < std::min(first + config.together, config.clips); ++i) {
      scenes.push_back(SceneOfClip(seed, i));
    }
    at::Tensor videos = RenderScenes(scenes, view, context.device);
    if (decoder != nullptr) videos = EnlargedDrafts(videos, config, vae, *decoder, context);
    const at::Tensor encoded = EncodeVideos(vae, videos);
    if (!latents.defined()) {
      std::vector<int64_t> sizes = encoded.sizes().vec();
      sizes[0] = config.clips;
      latents = at::empty(sizes, encoded.options().dtype(at::kBFloat16));
    }
    latents.narrow(0, first, encoded.size(0)).copy_(encoded);
    stage.Advance(first + encoded.size(0));
  }
  T3_CHECK(latents.isfinite().all().item<bool>(),
           "the VAE encodes clips of the world to latents that are not finite");
  return latents;
}

// Of the clips' shape, in the memory of one element.
at::Tensor ZeroLatents(const WorldLatentSize& size, const VaeConfig& vae, at::Device device) {
  const Grid latent = PlanVideo(size.width, size.height, size.frames, vae).latent;
  return at::zeros({1, 1, 1, 1, 1}, at::TensorOptions().dtype(at::kBFloat16).device(device))
      .expand({size.clips, vae.latent_channels, latent.t, latent.h, latent.w});
}

std::string SizeText(const WorldLatentSize& size) {
  std::string text = fmt::format("{}x{}x{}", size.width, size.height, size.frames);
  if (size.is_draft()) text += fmt::format("-from-{}x{}", size.draft_width, size.draft_height);
  return text;
}

void CheckSizes(const DitTrainConfig& config, const VaeConfig& vae) {
  const int64_t unit = 2 * vae.spatial_stride();
  for (const WorldLatentSize& size : config.data.world->sizes) {
    T3_CHECK(size.width % unit == 0 && size.height % unit == 0,
             "{}: data: world: the size {}x{} is not a multiple of {}, one token of this model",
             config.source, size.width, size.height, unit);
    T3_CHECK(size.draft_width % unit == 0 && size.draft_height % unit == 0,
             "{}: data: world: the draft {}x{} is not a multiple of {}, one token of this model",
             config.source, size.draft_width, size.draft_height, unit);
  }
}

std::string IdentityOf(const WorldLatentsConfig& config, const WorldLatentSize& size,
                       const ModelInfo& model) {
  return fmt::format("{} clips of {} from seed {} by VAE {}", size.clips, SizeText(size),
                     config.seed, WeightsDigest(model.vae_views));
}

// "" without a cache.
std::string CachePath(const WorldLatentsConfig& config, const WorldLatentSize& size) {
  if (config.cache.empty()) return "";
  const std::string file = fmt::format("{}-seed-{}.safetensors", SizeText(size), config.seed);
  return (fs::path(config.cache) / file).string();
}

// The cached latents if they are of these clips; undefined otherwise. A damaged cache is made
// again.
at::Tensor ReadCache(const std::string& path, const std::string& identity) {
  std::error_code ignored;
  if (path.empty() || !fs::exists(path, ignored)) return {};
  try {
    const auto file = WeightFile::Open(path, FileOrigin::kOwn);
    const auto found = file->metadata().find(kIdentityKey);
    if (found != file->metadata().end() && found->second == identity) {
      return ReadTensor(*file, kLatentsName);
    }
    spdlog::info("{} has other clips or is of another VAE; encoding again", path);
  } catch (const Error& error) {
    spdlog::warn("{}; encoding again", error.what());
  }
  return {};
}

void WriteCache(const std::string& path, const std::string& identity, const at::Tensor& latents) {
  if (path.empty()) return;
  try {
    std::error_code ignored;
    fs::create_directories(fs::path(path).parent_path(), ignored);
    SaveTensors(path, {{kLatentsName, latents}}, {{kIdentityKey, identity}});
  } catch (const Error& error) {
    spdlog::warn("cannot cache the clips: {}", error.what());
  }
}

}  // namespace

std::string WorldLatentsDigest(const WorldLatentsConfig& config, const ModelInfo& model) {
  std::string digest;
  for (const WorldLatentSize& size : config.sizes) {
    digest += (digest.empty() ? "" : ", ") + IdentityOf(config, size, model);
  }
  return digest;
}

at::Tensor WorldLatents::Latents(const WorldLatentSize& size, const ModelInfo& model,
                                 at::ScalarType dtype, const RunContext& context) const {
  const std::string identity = IdentityOf(config_, size, model);
  const std::string cache = CachePath(config_, size);
  at::Tensor latents = ReadCache(cache, identity);
  if (!latents.defined()) {
    const Vae vae = LoadVae(model, VaeHalf::kEncoder, dtype, context);
    const auto decoder = size.is_draft() ? LoadDecoder(model, dtype, context) : nullptr;
    latents = RenderAndEncode(size, config_.seed, vae, decoder.get(), context);
    WriteCache(cache, identity, latents);
  }
  return latents.to(context.device);
}

WorldLatents::WorldLatents(const DitTrainConfig& config, const ModelInfo& model,
                           at::ScalarType dtype, const RunContext& context, ClipLatents latents)
    : config_(*config.data.world),
      seed_(config.seed),
      accumulation_(config.accumulation),
      text_length_(model.dit.text_len),
      plan_(TurnsOfSizes(config_.sizes)),
      digest_(WorldLatentsDigest(config_, model)),
      tokenizer_(LoadTokenizer(model)) {
  CheckVae(model);
  CheckTextEncoder(model);
  CheckSizes(config, *model.vae);
  for (const WorldLatentSize& size : config_.sizes) {
    latents_.push_back(latents == ClipLatents::kZeros
                           ? ZeroLatents(size, *model.vae, context.device)
                           : Latents(size, model, dtype, context));
  }
  if (!config.train_text_encoder) {
    encoder_.emplace(LoadTextEncoder(model, context.device, dtype, context));
  }
}

const std::vector<int32_t>& WorldLatents::IdsOf(const WorldScene& scene, size_t kind, int64_t clip,
                                                uint64_t variant) {
  std::vector<int32_t>& ids = ids_[{kind, clip, variant}];
  if (ids.empty()) ids = tokenizer_.Encode(CleanText(Caption(scene, variant)), text_length_);
  return ids;
}

Batch WorldLatents::Get(int64_t step, int64_t micro) {
  const c10::NoGradGuard no_grad;
  const size_t kind = plan_.At(step * accumulation_ + micro).kind;
  const WorldLatentSize& size = config_.sizes[kind];
  const StepRandom random(seed_, step, micro);
  Batch batch;
  std::vector<int64_t> clips;
  for (int64_t i = 0; i < size.batch; ++i) {
    clips.push_back(random.Integer(Draw::kBatch, 2 * i, size.clips));
    const WorldScene scene = SceneOfClip(config_.seed, clips.back());
    const auto variant = static_cast<uint64_t>(
        random.Integer(Draw::kBatch, 2 * i + 1, static_cast<int64_t>(kCaptionVariants)));
    batch.ids.push_back(IdsOf(scene, kind, clips.back(), variant));
    batch.items.push_back(fmt::format("scene {}", scene.seed));
  }
  const at::Tensor& latents = latents_[kind];
  batch.latents = latents.index_select(0, at::tensor(clips).to(latents.device())).to(at::kFloat);
  if (encoder_) batch.text = encoder_->EncodeBatch(batch.ids);
  return batch;
}

}  // namespace t3
