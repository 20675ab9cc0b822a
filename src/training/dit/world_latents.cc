// Clips of the world in batches, with their captions.
#include "training/dit/world_latents.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/accumulate.h>

#include <algorithm>
#include <filesystem>

#include "base/check.h"
#include "base/text.h"
#include "loading/load_models.h"
#include "nn/weights_digest.h"
#include "tokenizer/clean.h"
#include "training/dit/object_weights.h"
#include "training/dit/shared_latents.h"
#include "training/loop/step_random.h"
#include "world/world.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

std::vector<int64_t> TurnsOfSizes(const std::vector<WorldLatentSize>& sizes) {
  std::vector<int64_t> turns;
  for (const WorldLatentSize& size : sizes) turns.push_back(size.turns);
  return turns;
}

// Of the clips' shape, in the memory of one element.
at::Tensor ZeroLatents(const WorldLatentSize& size, const VaeConfig& vae, at::Device device) {
  return at::zeros({1, 1, 1, 1, 1}, at::TensorOptions().dtype(at::kBFloat16).device(device))
      .expand(LatentShape(size, vae));
}

std::string SizeText(const WorldLatentSize& size) {
  std::string text = fmt::format("{}x{}x{}", size.width, size.height, size.frames);
  if (size.is_draft()) text += fmt::format("-from-{}x{}", size.draft_width, size.draft_height);
  return text;
}

// As `t3 generate` demands of a draft, and that the clip is not cropped to it.
void CheckDraft(const std::string& source, const WorldLatentSize& size) {
  if (!size.is_draft()) return;
  constexpr double kMaxAspectRatio = 1.2;
  const double aspects = static_cast<double>(size.draft_width * size.height) /
                         static_cast<double>(size.draft_height * size.width);
  T3_CHECK(size.draft_width < size.width && size.draft_height < size.height &&
               std::max(aspects, 1 / aspects) <= kMaxAspectRatio,
           "{}: data: world: the draft {}x{} of clips of {}x{}: wanted a smaller size of about the "
           "same aspect",
           source, size.draft_width, size.draft_height, size.width, size.height);
}

void CheckSizes(const DitTrainConfig& config, const VaeConfig& vae) {
  const int64_t unit = 2 * vae.spatial_stride();
  for (const WorldLatentSize& size : config.data.world->sizes) {
    T3_CHECK(size.width % unit == 0 && size.height % unit == 0,
             "{}: data: world: the size {}x{} is not a multiple of {}, one token of this model",
             config.source, size.width, size.height, unit);
    CheckDraft(config.source, size);
    T3_CHECK(size.draft_width % unit == 0 && size.draft_height % unit == 0,
             "{}: data: world: the draft {}x{} is not a multiple of {}, one token of this model",
             config.source, size.draft_width, size.draft_height, unit);
  }
}

// The VAE by a sample of its weights, as in caches and checkpoints of earlier versions.
std::string IdentityOf(const WorldLatentsConfig& config, const WorldLatentSize& size,
                       const ModelInfo& model) {
  return fmt::format("{} clips of {} from seed {} by VAE {}", size.clips, SizeText(size),
                     config.seed, WeightsSampleDigest(model.vae_views));
}

// What the cached latents depend on.
std::string CacheIdentity(const WorldLatentsConfig& config, const WorldLatentSize& size,
                          const ModelInfo& model) {
  std::string identity = IdentityOf(config, size, model);
  if (size.is_draft() && model.decoder)
    identity += " decoded by " + WeightsSampleDigest(model.decoder->views);
  return identity;
}

// "" without a cache.
std::string CachePath(const WorldLatentsConfig& config, const WorldLatentSize& size) {
  if (config.cache.empty()) return "";
  const std::string file = fmt::format("{}-seed-{}.safetensors", SizeText(size), config.seed);
  return (fs::path(config.cache) / file).string();
}

// The caches of a run's clips. Reads the weights that encode and decode them once.
class Caches {
 public:
  Caches(const WorldLatentsConfig& config, const ModelInfo& model)
      : config_(config), model_(model) {
    if (config.cache.empty()) return;
    vae_ = WeightsDigest(model.vae_views);
    if (model.decoder) decoder_ = " decoded by " + WeightsDigest(model.decoder->views);
  }
  LatentCache Of(const WorldLatentSize& size) const {
    return {CachePath(config_, size), CacheIdentity(config_, size, model_),
            size.is_draft() ? vae_ + decoder_ : vae_};
  }

 private:
  const WorldLatentsConfig& config_;
  const ModelInfo& model_;
  std::string vae_, decoder_;
};

}  // namespace

std::string WorldLatentsDigest(const WorldLatentsConfig& config, const ModelInfo& model) {
  std::string digest;
  for (const WorldLatentSize& size : config.sizes) {
    digest += (digest.empty() ? "" : ", ") + IdentityOf(config, size, model);
  }
  return digest;
}

std::string WorldBatchesText(const WorldLatentsConfig& config) {
  std::string text;
  for (const WorldLatentSize& size : config.sizes) {
    text += fmt::format("{}{} of {}", text.empty() ? "" : ", ", Counted(size.batch, "clip"),
                        SizeText(size));
    if (size.turns > 1) text += fmt::format(" {} times", size.turns);
  }
  if (config.object_weight > 1) text += fmt::format(", objects x {}", config.object_weight);
  return text;
}

int64_t MissingCacheBytes(const WorldLatentsConfig& config, const ModelInfo& model,
                          ClipLatents latents) {
  if (config.cache.empty() || latents == ClipLatents::kZeros || !model.vae) return 0;
  constexpr int64_t kElementBytes = 2;  // bf16
  std::map<std::string, int64_t> missing;
  const Caches caches(config, model);
  const auto add = [&](const WorldLatentSize& size) {
    const LatentCache cache = caches.Of(size);
    const int64_t elements = c10::multiply_integers(LatentShape(size, *model.vae));
    missing[CachePath(config, size)] = cache.MissingBytes(kElementBytes * elements);
  };
  for (const WorldLatentSize& size : config.sizes) {
    add(size);
    if (latents == ClipLatents::kPairs) add(size.WithoutDraft());
  }
  int64_t bytes = 0;
  for (const auto& file : missing) bytes += file.second;
  return bytes;
}

WorldLatents::WorldLatents(const DitTrainConfig& config, const ModelInfo& model,
                           at::ScalarType dtype, const RunContext& context, ClipLatents latents,
                           Team* team)
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
  const Caches caches(config_, model);
  for (const WorldLatentSize& size : config_.sizes) {
    if (latents == ClipLatents::kZeros) {
      latents_.push_back(ZeroLatents(size, *model.vae, context.device));
      continue;
    }
    const auto render = [&](const WorldLatentSize& clips) {
      return SharedLatents(clips, config_.seed, model, dtype, context, caches.Of(clips), team);
    };
    latents_.push_back(render(latents == ClipLatents::kPairs ? size.WithoutDraft() : size));
    if (latents == ClipLatents::kPairs) drafts_.push_back(render(size));
  }
  if (config_.object_weight > 1) FindObjects();
  if (!config.train_text_encoder) {
    encoder_.emplace(LoadTextEncoder(model, context.device, dtype, context));
  }
}

std::string WorldLatents::Description() const {
  std::vector<std::string> sizes;
  for (const WorldLatentSize& size : config_.sizes)
    sizes.push_back(Counted(size.clips, "clip") + " of " + SizeText(size));
  return fmt::format("{} of the world, from seed {}", fmt::join(sizes, ", "), config_.seed);
}

void WorldLatents::FindObjects() {
  for (size_t kind = 0; kind < latents_.size(); ++kind) {
    const WorldLatentSize& size = config_.sizes[kind];
    std::vector<at::Tensor> near;
    for (int64_t first = 0; first < size.clips; first += size.together) {
      std::vector<WorldScene> scenes;
      for (int64_t i = first; i < std::min(first + size.together, size.clips); ++i)
        scenes.push_back(SceneOfClip(config_.seed, i));
      near.push_back(NearObjects(scenes, size.frames, latents_[kind]));
    }
    near_objects_.push_back(at::cat(near));
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
  const at::Tensor chosen = at::tensor(clips).to(latents.device());
  batch.latents = latents.index_select(0, chosen).to(at::kFloat);
  if (!drafts_.empty()) batch.drafts = drafts_[kind].index_select(0, chosen).to(at::kFloat);
  if (config_.object_weight > 1) {
    const at::Tensor near = near_objects_[kind].index_select(0, chosen);
    batch.weights = ObjectWeights(near, config_.object_weight);
  }
  if (encoder_) batch.text = encoder_->EncodeBatch(batch.ids);
  return batch;
}

}  // namespace t3
