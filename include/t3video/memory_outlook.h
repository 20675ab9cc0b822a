// The memory that a run is expected to take, by stage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace t3 {

enum class StageKind {
  kTextEncoder,
  kImageEncoder,
  kVideoEncoder,
  kDenoiser,
  kDecoder,
  kDraftImageEncoder,
  kDraftDenoiser,
  kDraftDecoder,
  kHost
};
// "text encoder", "image encoder", "video encoder", "denoiser", "decoder", "draft image encoder",
// "draft denoiser", "draft decoder", "host"
std::string_view StageName(StageKind kind);

// The memory of one stage at its peak, in bytes. On a GPU weights and activations are the
// allocator's; the total compares with a limit on the process's whole use of the device.
struct StageMemory {
  StageKind kind = StageKind::kHost;
  int64_t weights = 0;
  int64_t activations = 0;
  int64_t context = 0;    // of a GPU, outside the allocator: driver, code and memory of libraries
  std::string note = {};  // how the stage works where the budget decides it; or empty
  bool streamed = false;  // the weights are copied to the GPU on demand
  std::string_view name() const { return StageName(kind); }
  int64_t total() const { return weights + activations + context; }
};

// Stages run one after the other, each with its own network in memory. On the CPU `host` is the
// largest stage and the process itself.
struct MemoryOutlook {
  bool on_gpu = false;
  std::vector<StageMemory> stages;
  StageMemory host;
  int64_t device_budget = 0;  // bytes that a stage may take; 0: no limit was given
  int64_t host_budget = 0;

  // What does not fit: a stage, else the process on the host. nullopt where all does. A text
  // encoder that does not fit a GPU runs on the CPU.
  std::optional<StageMemory> TooLarge() const {
    for (const StageMemory& stage : stages) {
      const bool moves = on_gpu && stage.kind == StageKind::kTextEncoder;
      if (!moves && device_budget > 0 && stage.total() > device_budget) return stage;
    }
    if (host_budget > 0 && host.total() > host_budget) return host;
    return std::nullopt;
  }
};

}  // namespace t3
