// The object "data" of a denoiser's configuration (docs/reference/training.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fields.h"
#include "t3video/prepare.h"

namespace t3 {

// Clips of one size.
struct WorldLatentSize {
  int64_t width = 0, height = 0, frames = 17;
  int64_t clips = 0;
  int64_t batch = 1;      // clips in a batch
  int64_t turns = 1;      // steps of a round that use this size
  int64_t together = 64;  // clips rendered at once
  // Where given, clips are rendered at this size, decoded from their latents and enlarged, as a
  // refiner gets them from a draft.
  int64_t draft_width = 0, draft_height = 0;
  bool is_draft() const { return draft_width > 0; }
  WorldLatentSize WithoutDraft() const {
    WorldLatentSize size = *this;
    size.draft_width = size.draft_height = 0;
    return size;
  }
  bool operator==(const WorldLatentSize&) const = default;
};

// Clips of the synthetic world, as latents.
struct WorldLatentsConfig {
  std::vector<WorldLatentSize> sizes;
  int64_t seed = 0;   // of the clips
  std::string cache;  // folder that caches the latents for the next call; empty: none
  // Weight of the loss where a clip's object is (ObjectWeights, WeighPlaces); elsewhere 1.
  double object_weight = 1;
  bool operator==(const WorldLatentsConfig&) const = default;
};

// Either a dataset, which `videos` says how to make, or the synthetic world.
struct DitDataConfig {
  std::string prepared;                  // folder of `t3 prepare`
  std::optional<PrepareRequest> videos;  // its output is `prepared`
  std::optional<WorldLatentsConfig> world;
  bool operator==(const DitDataConfig&) const = default;
};

// `batch_size` and `seed` are the defaults of the world's. Throws Error that names the field.
DitDataConfig TakeDitData(JsonFields fields, int64_t batch_size, int64_t seed);
WorldLatentsConfig TakeWorldLatents(JsonFields fields, int64_t batch_size, int64_t seed);

}  // namespace t3
