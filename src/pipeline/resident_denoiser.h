// The denoiser that is in memory, from one pass or video to the next.
#pragma once

#include <cstdint>
#include <optional>

#include "loading/load_models.h"
#include "loading/model_info.h"
#include "models/dit/dit.h"
#include "pipeline/run_scope.h"

namespace t3 {

class ResidentDenoiser {
 public:
  struct Wanted {
    const ModelInfo& model;
    BlockWeights blocks;
    bool also_bf16;         // loading/load_models.h
    int64_t scratch_bytes;  // of the temporaries of a forward
  };

  // Loads the denoiser, on all ranks, unless the one in memory serves. Throws Error as LoadDit
  // does.
  void Load(const RunScope& scope, const Wanted& wanted);
  // Frees it, on all ranks, if there is one.
  void Drop(Team* team);

  // Whether there is one.
  explicit operator bool() const { return dit_.has_value(); }
  const Dit& dit() const { return *dit_; }
  // Of the last one that was loaded; nullptr before.
  const ModelInfo* model() const { return model_; }

 private:
  bool Serves(const Wanted& wanted) const;

  std::optional<Dit> dit_;
  const ModelInfo* model_ = nullptr;
  BlockWeights blocks_ = BlockWeights::kOnDevice;
  bool also_bf16_ = false;
};

}  // namespace t3
