// Clips of the procedural world for the denoiser: rendered and encoded once, kept on the device.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "models/text_encoder/text_encoder.h"
#include "pipeline/model_info.h"
#include "pipeline/stage.h"
#include "tokenizer/tokenizer.h"
#include "training/batch_source.h"
#include "training/train_config.h"
#include "training/turns.h"
#include "world/scene.h"

namespace t3 {

// Clips of one size.
struct WorldLatentSize {
  int64_t width = 0, height = 0, frames = 17;
  int64_t clips = 0;
  int64_t batch = 1;      // clips of a batch
  int64_t turns = 1;      // steps of a round that take this size
  int64_t together = 64;  // clips rendered in one go
};

// The object `data.world` of a denoiser's configuration (docs/training.md).
struct WorldLatentsConfig {
  std::vector<WorldLatentSize> sizes;
  int64_t seed = 0;   // of the clips
  std::string cache;  // folder that keeps the latents for the next call; empty: none
};

// `batch_size` and `seed` are what it leaves out. Throws Error that names the field.
WorldLatentsConfig ParseWorldLatents(const nlohmann::json& document, const std::string& where,
                                     int64_t batch_size, int64_t seed);

// Batches draw clips with replacement and one of a caption's phrasings each time. Scenes with
// attributes that are kept back (IsHeldOut) are not among them.
class WorldLatents : public BatchSource {
 public:
  // Renders and encodes, or reads the cache. Throws Error when the model lacks a part, the sizes do
  // not fit its VAE or the cache cannot be written.
  WorldLatents(const WorldLatentsConfig& config, const TrainConfig& run, const ModelInfo& model,
               at::ScalarType dtype, const RunContext& context);

  Batch Get(int64_t step, int64_t micro) override;
  std::string Digest() const override { return digest_; }

 private:
  // Of a caption, made when it is first wanted: tokenizing takes longer than the rest of a batch.
  const std::vector<int32_t>& IdsOf(const WorldScene& scene, size_t kind, int64_t clip,
                                    uint64_t variant);

  WorldLatentsConfig config_;
  int64_t seed_, accumulation_, text_length_;
  TurnPlan plan_;
  std::string digest_;
  Tokenizer tokenizer_;
  std::optional<TextEncoder> encoder_;  // none where it is trained
  std::map<std::tuple<size_t, int64_t, uint64_t>, std::vector<int32_t>> ids_;
  std::vector<at::Tensor> latents_;  // of every size (clips,z,T,h,w), bf16 on the device
};

}  // namespace t3
