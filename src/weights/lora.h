// What a LoRA file changes, parsed without torch: which tensors, by which factors.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weights/types.h"
#include "weights/weight_file.h"

namespace t3 {

// The change of one tensor: scale * (factor * up x down + full_factor * full). up is
// (out, rank, ...), down is (rank, in, ...); dimensions beyond the second belong to convolutions.
struct LoraDelta {
  std::optional<TensorView> up;
  std::optional<TensorView> down;
  std::optional<TensorView> full;
  double factor = 1;       // alpha / rank; 1 where no alpha is recorded
  double full_factor = 1;  // of lora_B.bias: that of its weight's factors
  std::string source;      // a name in the file, for messages
};

struct LoraFile {
  std::shared_ptr<const WeightFile> file;   // keeps the views alive
  std::map<std::string, LoraDelta> deltas;  // canonical tensor name -> change
  std::vector<std::string> notes;           // what is left out and why, a sentence each
};

// How a LoRA's modules are called in the network.
struct LoraModules {
  // The canonical module of a module as the file names it, with prefixes such as "transformer." and
  // "lora_unet_"; nullopt when the network does not have it.
  std::function<std::optional<std::string>(std::string_view module)> canonical;
  // True for layers of image-to-video variants, which text-to-video networks do not have. LoRAs
  // trained on such a variant have them; they are left out.
  std::function<bool(std::string_view module)> is_image_layer;
};

// True when a name looks like a LoRA's or another adapter's.
bool LooksLikeLora(const TensorViews& tensors);

// The file that `path` stands for: itself, or in a folder adapter_model.safetensors (PEFT),
// pytorch_lora_weights.safetensors (diffusers) or the only weight file. Throws Error where a folder
// holds none or several.
std::string FindLoraFile(const std::string& path);

// Reads lora_A/lora_B (with .default, with bias), lora_up/lora_down, lora.up/lora.down, .alpha,
// .diff, .diff_b and .diff_m. The strength is that of the alpha tensors, else that of the metadata
// or of adapter_config.json beside the file (weights/lora_strength.h). Throws Error for adapters of
// another kind (LoKr, LoHa, DoRA, ...), for names that stand for nothing in the network, for halves
// without the other half, several different alphas of a layer, ranks that do not fit and an alpha
// that is not a number.
LoraFile ReadLora(std::shared_ptr<const WeightFile> file, const LoraModules& modules);

// "rank 16, alpha/rank 2", "ranks 4 to 64", for reports.
std::string DescribeLora(const LoraFile& lora);

}  // namespace t3
