// Renders batches of clips.
#include "training/vae/world_clips.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/digest.h"
#include "base/mix_bits.h"
#include "world/held_out.h"
#include "world/random.h"

namespace t3 {
namespace {

constexpr uint64_t kMeasuredSeed = 0x6d656173, kHeldOutSeed = 0x74657374;

std::vector<int64_t> TurnsOf(const std::vector<WorldBatchKind>& kinds) {
  std::vector<int64_t> turns;
  for (const WorldBatchKind& kind : kinds) turns.push_back(kind.turns);
  return turns;
}

// A crop that has a random point of the object in a random frame at a random place of it.
WorldCrop DrawObjectCrop(const WorldBatchKind& kind, const WorldScene& scene, WorldRandom& random,
                         at::Device device) {
  constexpr int64_t kCell = 8;  // pixels in a row of which one is looked at
  const WorldView view{.width = (kind.width + kCell - 1) / kCell,
                       .height = (kind.height + kCell - 1) / kCell,
                       .frames = kind.frames};
  // Rows of frame, y, x. The object is within the picture in the middle of every clip.
  const at::Tensor points = at::nonzero(ObjectCover({&scene, 1}, view, device)[0] > 0);
  const at::Tensor point = points[random.Pick(static_cast<int>(points.size(0)))].cpu();
  const auto place = [&](int64_t cell, int64_t whole, int64_t part) {
    const int64_t first = cell * kCell - random.Pick(static_cast<int>(part));
    return std::clamp<int64_t>(first, 0, whole - part);
  };
  const int64_t y = place(point[1].item<int64_t>(), kind.height, kind.crop_height);
  const int64_t x = place(point[2].item<int64_t>(), kind.width, kind.crop_width);
  return {x, y, kind.crop_width, kind.crop_height};
}

WorldCrop DrawCrop(const WorldBatchKind& kind, const WorldScene& scene, uint64_t seed,
                   at::Device device) {
  WorldRandom random(seed);
  if (kind.near_object) return DrawObjectCrop(kind, scene, random, device);
  const auto place = [&](int64_t whole, int64_t part) -> int64_t {
    return random.Pick(static_cast<int>(whole - part) + 1);
  };
  const int64_t x = place(kind.width, kind.crop_width);
  const int64_t y = place(kind.height, kind.crop_height);
  return {x, y, kind.crop_width, kind.crop_height};
}

}  // namespace

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
  rendered = {};  // frees its memory first
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
                       .crop = DrawCrop(wanted, scenes.front(), random.Next(), device_)};
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
  const WorldClipSize& size = config_.measured;
  const WorldView view{.width = size.width, .height = size.height, .frames = size.frames};
  return {"measured", size.clips, [view, device = device_](int64_t index) {
            return RenderScene(TrainingScene(MixBits(kMeasuredSeed) + static_cast<uint64_t>(index)),
                               view, device);
          }};
}

std::vector<ClipSet> WorldClips::HeldOut() const {
  std::vector<ClipSet> sets;
  for (const WorldClipSize& test : config_.held_out) {
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
    if (k.near_object) text += "near the object;";
  }
  return fmt::format("the world in {} sizes ({})", config_.batches.size(),
                     DigestText(t3::Digest(text)));
}

}  // namespace t3
