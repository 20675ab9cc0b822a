// Memory of a run by stage, predicted before anything is loaded. Bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/attention.h"
#include "config/geometry.h"
#include "config/model_config.h"
#include "plan/geometry.h"

namespace t3 {

// What decides a run's memory.
struct PlannedRun {
  DitConfig dit;
  VaeConfig vae;
  std::optional<DecoderConfig> decoder;   // absent: the VAE's
  std::optional<TaehvConfig> preview;     // decodes previews between steps
  std::optional<TextEncoderConfig> text;  // absent: embeddings are given, no encoder is loaded
  AttentionPattern attention = AttentionPattern::kFull;
  WindowCycle windows;  // ignored by kFull
  VideoGeometry video;
  int64_t element_bytes = 2;  // of the dtype of the arithmetic: bf16 2, fp32 4
  // Of the dtype in which large weights are stored, if it is narrower; else 0. Layers then convert
  // them when they run.
  int64_t dit_stored_bytes = 0;
  int64_t text_stored_bytes = 0;
  bool on_gpu = true;
  bool two_branches = true;   // guidance other than 1
  bool from_image = false;    // an image is encoded first, in fp32
  int64_t device_budget = 0;  // bytes that a stage may take, weights included; 0: no limit
};

enum class StageKind { kTextEncoder, kImageEncoder, kDenoiser, kDecoder, kHost };
// "text encoder", "image encoder", "denoiser", "decoder", "host"
std::string_view StageName(StageKind kind);

// The peak of one stage. On a GPU weights and activations are what the allocator gives; the total
// compares with a limit on the process's whole use of the device.
struct MemoryStage {
  StageKind kind = StageKind::kHost;
  int64_t weights = 0;
  int64_t activations = 0;
  int64_t context = 0;  // of a GPU beside the allocator: driver, code and memory of libraries
  std::string note;     // how the budget makes the stage run, or empty
  std::string_view name() const { return StageName(kind); }
  int64_t total() const { return weights + activations + context; }
};

// Stages run in sequence, each with its own network in memory.
struct MemoryPlan {
  std::vector<MemoryStage> device;
  // The process on the host. Mapped weight files are not in it: their pages can be given back. On
  // the CPU it is the widest stage and the process itself.
  MemoryStage host;
  // For the temporaries of the denoiser's layers, counted in its stage.
  int64_t denoiser_scratch = 0;
  // The denoiser's blocks stay in pinned host memory (counted in `host`) and are copied to the GPU
  // on demand, because the weights and the minimum scratch do not fit together.
  bool stream_weights = false;
  // The stage with the largest total.
  const MemoryStage& widest() const;
};

MemoryPlan PlanMemory(const PlannedRun& run);

// Maximum number of frames that wait for the video encoder.
inline constexpr int64_t kQueuedFrames = 8;

// Scratch for a layer's temporaries (beside x and q|k|v) where the budget does not limit it: 4 of
// 12 heads at 4K with 1.3B on a GPU.
int64_t DenoiserScratchBytes(bool on_gpu);

}  // namespace t3
