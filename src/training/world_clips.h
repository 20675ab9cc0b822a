// Clips of the procedural world for a VAE: views of several sizes in turn, rendered on the device.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "training/clip_source.h"
#include "training/turns.h"
#include "world/world.h"

namespace t3 {

// A kind of batch.
struct WorldBatchKind {
  int64_t width = 0, height = 0, frames = 17;  // of the full picture
  int64_t crop_width = 0, crop_height = 0;     // of what is rendered, at a random place
  int64_t clips = 1;                           // of a batch
  int64_t turns = 1;                           // steps of a round that take this kind
  int64_t ahead = 1;  // batches rendered together, which share the crop's place: faster on a GPU
};

// Held-out clips of one size.
struct WorldTest {
  int64_t width = 0, height = 0, frames = 17, clips = 1;
};

struct WorldClipsConfig {
  std::vector<WorldBatchKind> batches;
  WorldBatchKind measured;  // `clips` whole clips
  std::vector<WorldTest> tests;
};

// The object `data.world` of a VAE's configuration (docs/training.md). Sizes have to be multiples
// of `stride`. Throws Error that names the field.
WorldClipsConfig ParseWorldClips(const nlohmann::json& document, const std::string& where,
                                 int64_t batch_size, int64_t stride);

class WorldClips : public ClipSource {
 public:
  WorldClips(WorldClipsConfig config, int64_t seed, int64_t accumulation, at::Device device);

  ClipBatch Get(int64_t step, int64_t micro) override;
  ClipSet Measured() const override;
  std::vector<ClipSet> HeldOut() const override;
  std::string Digest() const override;

 private:
  // The newest group of batches of a kind.
  struct Rendered {
    int64_t group = -1;
    at::Tensor video;
    std::vector<std::string> items;
  };
  void Render(size_t kind, int64_t group);

  WorldClipsConfig config_;
  uint64_t seed_;
  int64_t accumulation_;
  at::Device device_;
  TurnPlan plan_;
  std::vector<Rendered> rendered_;
};

}  // namespace t3
