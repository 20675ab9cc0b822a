// The namings of kohya, PEFT, diffusers and ComfyUI, as data.
#include "weights/lora_names.h"

#include <array>

namespace t3 {
namespace {

enum class Tail { kNone, kWeightOrBias };  // what may stand behind the marker

struct Marker {
  std::string_view text;
  LoraPart part;
  Tail tail;
};

constexpr std::array<Marker, 11> kMarkers{{
    {".lora_A", LoraPart::kDown, Tail::kWeightOrBias},
    {".lora_B", LoraPart::kUp, Tail::kWeightOrBias},
    {".lora_down", LoraPart::kDown, Tail::kWeightOrBias},
    {".lora_up", LoraPart::kUp, Tail::kWeightOrBias},
    {".lora.down", LoraPart::kDown, Tail::kWeightOrBias},
    {".lora.up", LoraPart::kUp, Tail::kWeightOrBias},
    {".alpha", LoraPart::kAlpha, Tail::kNone},
    {".lora_alpha", LoraPart::kAlpha, Tail::kNone},
    {".diff_b", LoraPart::kFullBias, Tail::kNone},
    {".diff_m", LoraPart::kModulation, Tail::kNone},
    {".diff", LoraPart::kFull, Tail::kNone},
}};

struct Method {
  std::string_view mark;
  std::string_view name;
};

constexpr Method kMethods[] = {
    {".lora_magnitude_vector", "DoRA"},
    {".dora_scale", "DoRA"},
    {".lokr_", "LoKr"},
    {".hada_", "LoHa"},
    {".oft_", "OFT"},
    {".boft_", "BOFT"},
    {".ia3_", "IA3"},
    {".on_input", "IA3"},
    {".vera_lambda", "VeRA"},
    {".lora_E", "AdaLoRA"},
    {".lora_mid", "LoCon with a Tucker decomposition"},
    {".glora_", "GLoRA"},
    {".a1.weight", "GLoRA"},
    {".b1.weight", "GLoRA"},
    {".w_norm", "LyCORIS's norm training"},
    {".b_norm", "LyCORIS's norm training"},
    {".reshape_weight", "a LoRA that reshapes weights"},
    {".set_weight", "a LoRA that replaces weights"},
};

// "", ".KIND", ".ADAPTER.KIND", with a kind of "weight" or "bias"; nullopt for other tails.
std::optional<bool> TailIsBias(std::string_view tail) {
  if (tail.empty() || tail == ".weight") return false;
  if (tail == ".bias") return true;
  const bool bias = tail.ends_with(".bias");
  if (!tail.starts_with(".") || !(bias || tail.ends_with(".weight"))) return std::nullopt;
  const std::string_view adapter = tail.substr(1, tail.rfind('.') - 1);
  if (adapter.empty() || adapter.find('.') != std::string_view::npos) return std::nullopt;
  return bias;
}

}  // namespace

std::optional<LoraName> ParseLoraName(std::string_view name) {
  for (const Marker& marker : kMarkers) {
    const size_t at = name.rfind(marker.text);
    if (at == std::string_view::npos || at == 0) continue;
    const std::string_view tail = name.substr(at + marker.text.size());
    const std::string_view module = name.substr(0, at);
    if (marker.tail == Tail::kNone) {
      if (tail.empty()) return LoraName{module, marker.part};
      continue;
    }
    const std::optional<bool> bias = TailIsBias(tail);
    if (bias == false) return LoraName{module, marker.part};
    if (bias == true && marker.part == LoraPart::kUp) return LoraName{module, LoraPart::kUpBias};
  }
  return std::nullopt;
}

std::string_view OtherAdapter(std::string_view name) {
  for (const Method& method : kMethods) {
    if (name.find(method.mark) != std::string_view::npos) return method.name;
  }
  return "";
}

}  // namespace t3
