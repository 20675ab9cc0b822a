// What a LoRA file changes, parsed without torch: which tensors, by which factors.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "weights/types.h"
#include "weights/weight_file.h"

namespace t3 {

// The change of one tensor: scale * (factor * up x down + full). up is (out, rank, ...), down is
// (rank, in, ...); dimensions beyond the second belong to convolutions.
struct LoraDelta {
  std::optional<TensorView> up;
  std::optional<TensorView> down;
  std::optional<TensorView> full;
  double factor = 1;   // alpha / rank; 1 without alpha
  std::string source;  // a name in the file, for messages
};

struct LoraFile {
  std::shared_ptr<const WeightFile> file;   // keeps the views alive
  std::map<std::string, LoraDelta> deltas;  // canonical tensor name -> change
  std::map<std::string, int64_t> ranks;     // rank -> how often, as text, for reports
};

// The canonical module of a module as a LoRA file names it, prefixes such as "transformer." and
// "lora_unet_" included; nullopt when the network has none.
using CanonicalModule = std::function<std::optional<std::string>(std::string_view module)>;

// True when some name looks like a LoRA's.
bool LooksLikeLora(const TensorViews& tensors);

// Reads lora_A/lora_B (with .default), lora_up/lora_down, lora.up/lora.down, .alpha, .diff,
// .diff_b and .diff_m. Throws Error that lists the names that stand for nothing in the network, and
// for halves without the other half, ranks that do not fit or a non-numeric alpha.
LoraFile ReadLora(std::shared_ptr<const WeightFile> file, const CanonicalModule& canonical);

}  // namespace t3
