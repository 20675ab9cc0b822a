// Rendering, encoding and keeping the world's latents.
#include "training/world_latents.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <filesystem>

#include "base/check.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/mix_bits.h"
#include "pipeline/load_models.h"
#include "pipeline/tensor_file.h"
#include "tokenizer/clean.h"
#include "base/json_fields.h"
#include "training/random.h"
#include "training/weights_digest.h"
#include "training/world_split.h"
#include "world/world.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLatentsName = "latents";
constexpr const char* kDigestKey = "t3.world";
// Pixels of all frames that are encoded at once.
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
  const int64_t some =
      std::max<int64_t>(1, (video.is_cuda() ? kGpuEncodePixels : kCpuEncodePixels) / pixels);
  std::vector<at::Tensor> parts;
  for (const at::Tensor& part : video.split(some)) {
    const at::Tensor mean = vae.EncodeMoments(part).narrow(1, 0, config.latent_channels);
    parts.push_back((mean - per_channel(config.mean)) / per_channel(config.std));
  }
  return at::cat(parts);
}

at::Tensor RenderAndEncode(const WorldLatentSize& config, int64_t seed, const Vae& vae,
                           const RunContext& context) {
  const c10::NoGradGuard no_grad;
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
           "the VAE gave latents that are not finite for the world's clips");
  return latents;
}

// The cache's latents where it was made for this run; undefined else.
at::Tensor ReadCache(const std::string& path, const std::string& digest) {
  std::error_code ignored;
  if (path.empty() || !fs::exists(path, ignored)) return {};
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
  const fs::path folder = fs::path(path).parent_path();
  if (!folder.empty()) fs::create_directories(folder);
  SaveTensors(path, {{kLatentsName, latents}}, {{kDigestKey, digest}});
}

}  // namespace

WorldLatentsConfig ParseWorldLatents(const nlohmann::json& document, const std::string& where,
                                     int64_t batch_size, int64_t seed) {
  JsonFields fields(document, where);
  WorldLatentsConfig config;
  fields.Take("cache", &config.cache);
  config.seed = seed;
  fields.TakeInteger("seed", 0, int64_t{1} << 40, &config.seed);
  fields.ForEach("sizes", [&](const nlohmann::json& object, const std::string& place) {
    JsonFields own(object, place);
    WorldLatentSize& size = config.sizes.emplace_back();
    size.batch = batch_size;
    own.TakeSize("size", &size.width, &size.height);
    own.TakeInteger("frames", 1, 100'000, &size.frames);
    own.TakeInteger("clips", 1, 100'000'000, &size.clips);
    own.TakeInteger("batch", 1, 1'000'000, &size.batch);
    own.TakeInteger("turns", 1, 10'000, &size.turns);
    own.TakeInteger("together", 1, 100'000, &size.together);
    own.CheckAllTaken();
    T3_CHECK(size.width > 0 && size.clips > 0, "{} needs \"size\" and \"clips\"", place);
    T3_CHECK(size.frames % 4 == 1, "{}: {} frames; a video has 4n + 1", place, size.frames);
  });
  fields.CheckAllTaken();
  T3_CHECK(!config.sizes.empty(), "{} needs \"sizes\", the clips to make", where);
  return config;
}

WorldLatents::WorldLatents(const WorldLatentsConfig& config, const TrainConfig& run,
                           const ModelInfo& model, at::ScalarType dtype, const RunContext& context)
    : config_(config),
      seed_(run.seed),
      accumulation_(run.accumulation),
      text_length_(model.dit.text_len),
      plan_(TurnsOfSizes(config.sizes)),
      tokenizer_(LoadTokenizer(model)) {
  CheckVae(model);
  CheckTextEncoder(model);
  std::optional<Vae> vae;
  for (const WorldLatentSize& size : config.sizes) {
    const int64_t unit = 2 * model.vae->spatial_stride();
    T3_CHECK(size.width % unit == 0 && size.height % unit == 0,
             "{}: data.world: the size {}x{} is no multiple of {}, one token of this model",
             run.source, size.width, size.height, unit);
    const std::string name = fmt::format("{}x{}x{}", size.width, size.height, size.frames);
    const std::string made = fmt::format("{} clips of {} from seed {} by VAE {}", size.clips, name,
                                         config.seed, WeightsDigest(model.vae_views));
    const std::string file = fmt::format("{}-seed-{}.safetensors", name, config.seed);
    const std::string cache = config.cache.empty() ? "" : (fs::path(config.cache) / file).string();
    at::Tensor latents = ReadCache(cache, made);
    if (!latents.defined()) {
      if (!vae) vae.emplace(LoadVae(model, VaeHalf::kEncoder, dtype, context));
      latents = RenderAndEncode(size, config.seed, *vae, context);
      WriteCache(cache, made, latents);
    }
    latents_.push_back(latents.to(context.device));
    digest_ += (digest_.empty() ? "" : ", ") + made;
  }
  if (!run.train_text_encoder) {
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
