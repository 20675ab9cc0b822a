// Batches of rendered clips.
#include "training/world_clips.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/digest.h"
#include "base/mix_bits.h"
#include "base/json_fields.h"
#include "training/world_split.h"
#include "world/random.h"

namespace t3 {
namespace {

using nlohmann::json;

constexpr uint64_t kMeasuredSeed = 0x6d656173, kHeldOutSeed = 0x74657374;

// A size in multiples of `stride`; leaves both where the field is absent.
void TakeWorldSize(JsonFields* fields, const char* key, int64_t stride, int64_t* width,
                   int64_t* height) {
  fields->TakeSize(key, width, height);
  T3_CHECK(*width % stride == 0 && *height % stride == 0,
           "{}: \"{}\" is {}x{}; this VAE works on multiples of {} pixels", fields->where(), key,
           *width, *height, stride);
}

void TakeWorldFrames(JsonFields* fields, int64_t* frames) {
  fields->TakeInteger("frames", 1, 100'000, frames);
  T3_CHECK(*frames % 4 == 1, "{}: {} frames; a video has 4n + 1", fields->where(), *frames);
}

WorldBatchKind TakeWorldBatch(const json& object, const std::string& where, int64_t batch_size,
                              int64_t stride) {
  JsonFields fields(object, where);
  WorldBatchKind kind;
  kind.clips = batch_size;
  int64_t picture_stride = 1;  // a picture of which crops are taken may have any size
  if (fields.Find("crop") == nullptr) picture_stride = stride;
  TakeWorldSize(&fields, "size", picture_stride, &kind.width, &kind.height);
  T3_CHECK(kind.width > 0, "{} needs \"size\"", where);
  kind.crop_width = kind.width;
  kind.crop_height = kind.height;
  TakeWorldSize(&fields, "crop", stride, &kind.crop_width, &kind.crop_height);
  T3_CHECK(kind.crop_width <= kind.width && kind.crop_height <= kind.height,
           "{}: the crop {}x{} is larger than the picture {}x{}", where, kind.crop_width,
           kind.crop_height, kind.width, kind.height);
  TakeWorldFrames(&fields, &kind.frames);
  fields.TakeInteger("clips", 1, 100'000, &kind.clips);
  fields.TakeInteger("turns", 1, 10'000, &kind.turns);
  fields.TakeInteger("ahead", 1, 10'000, &kind.ahead);
  fields.CheckAllTaken();
  return kind;
}

WorldTest TakeWorldTest(const json& object, const std::string& where, int64_t stride) {
  JsonFields fields(object, where);
  WorldTest test;
  TakeWorldSize(&fields, "size", stride, &test.width, &test.height);
  T3_CHECK(test.width > 0, "{} needs \"size\"", where);
  TakeWorldFrames(&fields, &test.frames);
  fields.TakeInteger("clips", 1, 100'000, &test.clips);
  fields.CheckAllTaken();
  return test;
}

std::vector<int64_t> TurnsOf(const std::vector<WorldBatchKind>& kinds) {
  std::vector<int64_t> turns;
  for (const WorldBatchKind& kind : kinds) turns.push_back(kind.turns);
  return turns;
}

WorldCrop DrawCrop(const WorldBatchKind& kind, uint64_t seed) {
  WorldRandom random(seed);
  const auto place = [&](int64_t whole, int64_t part) -> int64_t {
    return random.Pick(static_cast<int>(whole - part) + 1);
  };
  const int64_t x = place(kind.width, kind.crop_width);
  const int64_t y = place(kind.height, kind.crop_height);
  return {x, y, kind.crop_width, kind.crop_height};
}

}  // namespace

WorldClipsConfig ParseWorldClips(const json& document, const std::string& where, int64_t batch_size,
                                 int64_t stride) {
  JsonFields fields(document, where);
  WorldClipsConfig config;
  fields.ForEach("batches", [&](const json& object, const std::string& place) {
    config.batches.push_back(TakeWorldBatch(object, place, batch_size, stride));
  });
  T3_CHECK(!config.batches.empty(), "{} needs \"batches\", a list of the sizes to train on", where);
  const json* measured = fields.Find("measured");
  T3_CHECK(measured != nullptr,
           "{} needs \"measured\": the size of the clips that a denoiser "
           "will learn from, and how many to take the latents' mean and spread over",
           where);
  const WorldTest whole = TakeWorldTest(*measured, where + ": measured", stride);
  config.measured = {
      whole.width, whole.height, whole.frames, whole.width, whole.height, whole.clips, 1, 1};
  fields.ForEach("held_out", [&](const json& object, const std::string& place) {
    config.tests.push_back(TakeWorldTest(object, place, stride));
  });
  fields.CheckAllTaken();
  return config;
}

WorldClips::WorldClips(WorldClipsConfig config, int64_t seed, int64_t accumulation,
                       at::Device device)
    : config_(std::move(config)),
      seed_(static_cast<uint64_t>(seed)),
      accumulation_(accumulation),
      device_(device),
      plan_(TurnsOf(config_.batches)),
      rendered_(config_.batches.size()) {}

void WorldClips::Render(size_t kind, int64_t group) {
  const WorldBatchKind& wanted = config_.batches[kind];
  const uint64_t seed =
      MixBits(MixBits(MixBits(seed_) ^ static_cast<uint64_t>(kind)) ^ static_cast<uint64_t>(group));
  Rendered& rendered = rendered_[kind];
  rendered = {};  // its memory first
  WorldRandom random(seed);
  std::vector<WorldScene> scenes;
  for (int64_t i = 0; i < wanted.ahead * wanted.clips; ++i) {
    scenes.push_back(TrainingScene(random.Next()));
    rendered.items.push_back(
        fmt::format("scene {} at {}x{}", scenes.back().seed, wanted.width, wanted.height));
  }
  const WorldView view{.width = wanted.width,
                       .height = wanted.height,
                       .frames = wanted.frames,
                       .crop = DrawCrop(wanted, random.Next())};
  rendered.video = RenderScenes(scenes, view, device_);
  rendered.group = group;
}

ClipBatch WorldClips::Get(int64_t step, int64_t micro) {
  const auto [kind, earlier] = plan_.At(step * accumulation_ + micro);
  const WorldBatchKind& wanted = config_.batches[kind];
  if (rendered_[kind].group != earlier / wanted.ahead) Render(kind, earlier / wanted.ahead);
  const Rendered& rendered = rendered_[kind];
  const int64_t first = earlier % wanted.ahead * wanted.clips;
  return {rendered.video.narrow(0, first, wanted.clips),
          {rendered.items.begin() + first, rendered.items.begin() + first + wanted.clips}};
}

ClipSet WorldClips::Measured() const {
  const WorldBatchKind& size = config_.measured;
  const WorldView view{.width = size.width, .height = size.height, .frames = size.frames};
  return {"measured", size.clips, [view, device = device_](int64_t index) {
            return RenderScene(TrainingScene(MixBits(kMeasuredSeed) + static_cast<uint64_t>(index)),
                               view, device);
          }};
}

std::vector<ClipSet> WorldClips::HeldOut() const {
  std::vector<ClipSet> sets;
  for (const WorldTest& test : config_.tests) {
    const WorldView view{.width = test.width, .height = test.height, .frames = test.frames};
    sets.push_back({fmt::format("{}x{}x{}", test.width, test.height, test.frames), test.clips,
                    [view, device = device_](int64_t index) {
                      return RenderScene(
                          HeldOutScene(MixBits(kHeldOutSeed) + static_cast<uint64_t>(index)), view,
                          device);
                    }});
  }
  return sets;
}

std::string WorldClips::Digest() const {
  std::string text;
  for (const WorldBatchKind& k : config_.batches) {
    text += fmt::format("{}x{}x{} {}x{} {} {} {};", k.width, k.height, k.frames, k.crop_width,
                        k.crop_height, k.clips, k.turns, k.ahead);
  }
  return fmt::format("the world in {} sizes ({})", config_.batches.size(),
                     DigestText(t3::Digest(text)));
}

}  // namespace t3
