// How LoRA files name their tensors.
#pragma once

#include <optional>
#include <string_view>

namespace t3 {

// What a tensor is to the module whose name stands before it.
enum class LoraPart {
  kUp,          // lora_B, lora_up: (out, rank)
  kDown,        // lora_A, lora_down: (rank, in)
  kUpBias,      // lora_B.bias: (out), scaled as the factors are
  kAlpha,       // one number; the factors count alpha/rank times
  kFull,        // .diff: the whole change of the weight
  kFullBias,    // .diff_b: of the bias
  kModulation,  // .diff_m: of the module's modulation
};

struct LoraName {
  std::string_view module;
  LoraPart part;
};

// Splits a tensor's name; nullopt for names of other files.
std::optional<LoraName> ParseLoraName(std::string_view name);

// The method of a tensor's name that belongs to an adapter of another kind ("LoKr", "DoRA", ...);
// empty for other names.
std::string_view OtherAdapter(std::string_view name);

}  // namespace t3
