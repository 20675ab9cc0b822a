// Clips of the synthetic world for the denoiser: rendered and encoded once, resident on the
// device.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "loading/model_info.h"
#include "models/text_encoder/text_encoder.h"
#include "parallel/team.h"
#include "runtime/stage.h"
#include "tokenizer/tokenizer.h"
#include "training/dit/batch_source.h"
#include "training/dit/dit_config.h"
#include "training/loop/turns.h"
#include "world/scene.h"

namespace t3 {

// What batches have: the clips' latents (those of drafts, where sizes name one), or both clips and
// drafts, or zeros of their shape, for training that reads captions alone.
enum class ClipLatents { kRendered, kPairs, kZeros };

// Identifies the clips: sizes, numbers, seed and the VAE.
std::string WorldLatentsDigest(const WorldLatentsConfig& config, const ModelInfo& model);

// How batches are made of them: "2 clips of 64x64x5, 16 clips of 256x144x17 3 times, objects x 4".
std::string WorldBatchesText(const WorldLatentsConfig& config);

// What the cache of `config` still takes on its disk, in bytes; 0 where it keeps none.
int64_t MissingCacheBytes(const WorldLatentsConfig& config, const ModelInfo& model,
                          ClipLatents latents);

// Batches draw clips with replacement, each with one of its caption's phrasings. Scenes with
// held-out attributes (IsHeldOut) are not among them.
class WorldLatents : public BatchSource {
 public:
  // Renders and encodes config.data.world, or reads its cache, with the ranks of `team`, each of
  // which makes one. Throws Error when the model lacks a part or the sizes do not fit its VAE.
  WorldLatents(const DitTrainConfig& config, const ModelInfo& model, at::ScalarType dtype,
               const RunContext& context, ClipLatents latents = ClipLatents::kRendered,
               Team* team = nullptr);

  Batch Get(int64_t step, int64_t micro) override;
  std::string Digest() const override { return digest_; }
  std::string Description() const override;

 private:
  void FindObjects();
  // Token ids of a caption, cached: tokenizing takes longer than the rest of a batch.
  const std::vector<int32_t>& IdsOf(const WorldScene& scene, size_t kind, int64_t clip,
                                    uint64_t variant);

  WorldLatentsConfig config_;
  int64_t seed_, accumulation_, text_length_;
  TurnPlan plan_;
  std::string digest_;
  Tokenizer tokenizer_;
  std::optional<TextEncoder> encoder_;  // absent when it is trained
  std::map<std::tuple<size_t, int64_t, uint64_t>, std::vector<int32_t>> ids_;
  std::vector<at::Tensor> latents_;       // by size: (clips,z,T,h,w), bf16 on the device
  std::vector<at::Tensor> drafts_;        // likewise; empty without pairs
  std::vector<at::Tensor> near_objects_;  // by size: NearObjects; empty without "object_weight"
};

}  // namespace t3
