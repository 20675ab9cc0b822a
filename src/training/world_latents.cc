// Rendering, encoding and keeping the world's latents.
#include "training/world_latents.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <filesystem>

#include "base/check.h"
#include "base/digest.h"
#include "base/log.h"
#include "pipeline/load_models.h"
#include "pipeline/tensor_file.h"
#include "tokenizer/clean.h"
#include "training/json_fields.h"
#include "training/random.h"
#include "training/vae/step_seed.h"
#include "training/weights_digest.h"
#include "training/world_split.h"
#include "world/world.h"

namespace t3 {
namespace {

constexpr const char* kLatentsName = "latents";
constexpr const char* kDigestKey = "t3.world";
// Pixels of all frames that are encoded at once.
constexpr int64_t kCpuEncodePixels = 1 << 19, kGpuEncodePixels = 1 << 23;

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
  const int64_t some =
      std::max<int64_t>(1, (video.is_cuda() ? kGpuEncodePixels : kCpuEncodePixels) / pixels);
  std::vector<at::Tensor> parts;
  for (const at::Tensor& part : video.split(some)) {
    const at::Tensor mean = vae.EncodeMoments(part).narrow(1, 0, config.latent_channels);
    parts.push_back((mean - per_channel(config.mean)) / per_channel(config.std));
  }
  return at::cat(parts);
}

at::Tensor RenderAndEncode(const WorldLatentsConfig& config, int64_t seed, const ModelInfo& model,
                           at::ScalarType dtype, const RunContext& context) {
  const c10::NoGradGuard no_grad;
  const Vae vae = LoadVae(model, VaeHalf::kEncoder, dtype, context);
  const WorldView view{.width = config.width, .height = config.height, .frames = config.frames};
  Stage stage(context, "encoding the world", config.clips);
  at::Tensor latents;
  for (int64_t first = 0; first < config.clips; first += config.together) {
    std::vector<WorldScene> scenes;
    for (int64_t i = first; i < std::min(first + config.together, config.clips); ++i) {
      scenes.push_back(SceneOfClip(seed, i));
    }
    const at::Tensor encoded = EncodeVideos(vae, RenderScenes(scenes, view, context.device));
    if (!latents.defined()) {
      std::vector<int64_t> sizes = encoded.sizes().vec();
      sizes[0] = config.clips;
      latents = at::empty(sizes, encoded.options().dtype(at::kBFloat16));
    }
    latents.narrow(0, first, encoded.size(0)).copy_(encoded);
    stage.Advance(first + encoded.size(0));
  }
  T3_CHECK(latents.isfinite().all().item<bool>(),
           "the VAE {} gave latents that are not finite for the world's clips", model.paths.vae);
  return latents;
}

// The cache's latents where it was made for this run; undefined else.
at::Tensor ReadCache(const std::string& path, const std::string& digest) {
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) return {};
  const auto file = WeightFile::Open(path);
  const auto found = file->metadata().find(kDigestKey);
  if (found == file->metadata().end() || found->second != digest) {
    spdlog::info("{} was made for other clips or another VAE and is made again", path);
    return {};
  }
  return ReadTensor(*file, kLatentsName);
}

void WriteCache(const std::string& path, const std::string& digest, const at::Tensor& latents) {
  if (path.empty()) return;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder);
  SaveTensors(path, {{kLatentsName, latents}}, {{kDigestKey, digest}});
}

}  // namespace

WorldLatentsConfig ParseWorldLatents(const nlohmann::json& document, const std::string& where) {
  JsonFields fields(document, where);
  WorldLatentsConfig config;
  fields.TakeSize("size", &config.width, &config.height);
  fields.TakeInteger("frames", 1, 100'000, &config.frames);
  fields.TakeInteger("clips", 1, 100'000'000, &config.clips);
  fields.TakeInteger("together", 1, 100'000, &config.together);
  fields.Take("cache", &config.cache);
  fields.CheckAllTaken();
  T3_CHECK(config.width > 0 && config.clips > 0, "{} needs \"size\" and \"clips\"", where);
  T3_CHECK(config.frames % 4 == 1, "{}: {} frames; a video has 4n + 1", where, config.frames);
  return config;
}

WorldLatents::WorldLatents(const WorldLatentsConfig& config, const TrainConfig& run,
                           const ModelInfo& model, at::ScalarType dtype, const RunContext& context)
    : config_(config),
      seed_(run.seed),
      batch_size_(run.batch_size),
      text_length_(model.dit.text_len),
      tokenizer_(LoadTokenizer(model)) {
  CheckVae(model);
  CheckTextEncoder(model);
  const int64_t unit = 2 * model.vae->spatial_stride();
  T3_CHECK(config.width % unit == 0 && config.height % unit == 0,
           "{}: data.world: the size {}x{} is no multiple of {}, one token of this model",
           run.source, config.width, config.height, unit);
  digest_ = fmt::format("{} clips of {}x{}x{} from seed {} by VAE {}", config.clips, config.width,
                        config.height, config.frames, seed_, WeightsDigest(model.vae_views));
  latents_ = ReadCache(config.cache, digest_);
  if (!latents_.defined()) {
    latents_ = RenderAndEncode(config, seed_, model, dtype, context);
    WriteCache(config.cache, digest_, latents_);
  }
  latents_ = latents_.to(context.device);
  if (!run.train_text_encoder) {
    encoder_.emplace(LoadTextEncoder(model, context.device, dtype, context));
  }
}

Batch WorldLatents::Get(int64_t step, int64_t micro) {
  const c10::NoGradGuard no_grad;
  const StepRandom random(seed_, step, micro);
  Batch batch;
  std::vector<int64_t> clips;
  for (int64_t i = 0; i < batch_size_; ++i) {
    clips.push_back(random.Integer(Draw::kBatch, 2 * i, config_.clips));
    const WorldScene scene = SceneOfClip(seed_, clips.back());
    const auto variant = static_cast<uint64_t>(
        random.Integer(Draw::kBatch, 2 * i + 1, static_cast<int64_t>(kCaptionVariants)));
    batch.ids.push_back(tokenizer_.Encode(CleanText(Caption(scene, variant)), text_length_));
    batch.items.push_back(fmt::format("scene {}", scene.seed));
  }
  batch.latents = latents_.index_select(0, at::tensor(clips).to(latents_.device())).to(at::kFloat);
  if (encoder_) batch.text = encoder_->EncodeBatch(batch.ids);
  return batch;
}

}  // namespace t3
