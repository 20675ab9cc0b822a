// Memory by stage of a run, worked out before anything is loaded. Bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
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
  std::optional<TextEncoderConfig> text;  // absent: embeddings are given, no encoder is loaded
  AttentionPattern attention = AttentionPattern::kFull;
  WindowCycle windows;  // ignored by kFull
  VideoGeometry video;
  int64_t element_bytes = 2;  // of the run's dtype: bf16 2, fp32 4
  bool on_gpu = true;
  bool two_branches = true;  // guidance other than 1
  bool from_image = false;   // an image is encoded first, in fp32
  bool whole_video =
      false;  // the decoded video is held as one fp32 tensor (--output X.safetensors)
  int64_t device_budget = 0;  // bytes that a stage may take, weights and all; 0: no limit
};

// One stage at its widest. On a GPU weights and activations are what the allocator gives, and the
// total compares with a limit on the process's whole use of the device.
struct MemoryStage {
  std::string name;  // "text encoder", "image encoder", "denoiser", "decoder", "host"
  int64_t weights = 0;
  int64_t activations = 0;
  int64_t context = 0;  // of a GPU beside the allocator: driver, code and memory of libraries
  std::string note;     // how the stage works, where the budget decides it; or empty
  int64_t total() const { return weights + activations + context; }
};

// Stages run one after the other, each with its own network in memory.
struct MemoryPlan {
  std::vector<MemoryStage> device;
  // The process on the host. Mapped weight files are not in it: their pages can be given back. On
  // the CPU it is the widest stage and the process itself.
  MemoryStage host;
  // For the temporaries of the denoiser's layers, counted in its stage: what Dit may use.
  int64_t denoiser_scratch = 0;
  // The denoiser's blocks stay in pinned host memory (counted in `host`) and are brought to the GPU
  // as they are used, for its weights do not fit there beside the least scratch.
  bool stream_weights = false;
  // The stage with the largest total.
  const MemoryStage& widest() const;
};

MemoryPlan PlanMemory(const PlannedRun& run);

// Frames on their way to the encoder that wait at most.
inline constexpr int64_t kQueuedFrames = 8;

// Memory that a layer's temporaries may take where there is enough, beside x and q|k|v: 4 of 12
// heads at 4K with 1.3B on a GPU.
int64_t DenoiserScratchBytes(bool on_gpu);

int64_t DitParameters(const DitConfig& config);
int64_t DitBlockParameters(const DitConfig& config);
int64_t TextEncoderParameters(const TextEncoderConfig& config);

}  // namespace t3
