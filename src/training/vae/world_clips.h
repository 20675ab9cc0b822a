// Clips of the synthetic world for a VAE: several sizes in turn, rendered on the device.
#pragma once

#include <string>
#include <vector>

#include "training/loop/turns.h"
#include "training/vae/clip_source.h"
#include "training/vae/world_clips_config.h"
#include "world/world.h"

namespace t3 {

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
