// The object "data.world" of a VAE's configuration (docs/reference/training.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json_fields.h"

namespace t3 {

// A kind of batch.
struct WorldBatchKind {
  int64_t width = 0, height = 0, frames = 17;  // of the full picture
  int64_t crop_width = 0, crop_height = 0;     // of what is rendered, at a random place
  bool near_object = false;                    // a place with a part of a clip's object
  int64_t clips = 1;                           // in a batch
  int64_t turns = 1;                           // steps of a round that use this kind
  int64_t ahead = 1;  // batches rendered together, which share the crop's place: faster on a GPU
  bool operator==(const WorldBatchKind&) const = default;
};

// Whole clips of one size.
struct WorldClipSize {
  int64_t width = 0, height = 0, frames = 17, clips = 1;
  bool operator==(const WorldClipSize&) const = default;
};

struct WorldClipsConfig {
  std::vector<WorldBatchKind> batches;
  WorldClipSize measured;               // for the latents' mean and standard deviation
  std::vector<WorldClipSize> held_out;  // for the PSNR of the final report
  std::string where;                    // names the object in messages
  bool operator==(const WorldClipsConfig&) const = default;
};

// `batch_size` is the default of a batch's clips. Throws Error that names the field.
WorldClipsConfig TakeWorldClips(JsonFields fields, int64_t batch_size);

// Throws Error where what the VAE sees is not a multiple of its stride, in pixels.
void CheckStride(const WorldClipsConfig& config, int64_t stride);

}  // namespace t3
