// The namings of LoRA files.
#include "weights/lora.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/check.h"

namespace t3 {
namespace {

enum class Part { kUp, kDown, kAlpha, kDiff, kDiffBias, kDiffModulation };

struct PartName {
  std::string_view marker;
  Part part;
  bool may_have_adapter;  // "MODULE.lora_A.ADAPTER.weight" and plain "MODULE.lora_A" exist
};

constexpr std::array<PartName, 10> kPartNames{{
    {".lora_A", Part::kDown, true},
    {".lora_B", Part::kUp, true},
    {".lora_down", Part::kDown, true},
    {".lora_up", Part::kUp, true},
    {".lora.down", Part::kDown, true},
    {".lora.up", Part::kUp, true},
    {".alpha", Part::kAlpha, false},
    {".diff_b", Part::kDiffBias, false},
    {".diff_m", Part::kDiffModulation, false},
    {".diff", Part::kDiff, false},
}};

struct Entry {
  std::string_view module;
  Part part;
};

// True for what may stand after the marker: "", ".weight", ".ADAPTER.weight".
bool IsWeightTail(std::string_view tail) {
  if (tail.empty() || tail == ".weight") return true;
  if (!tail.starts_with(".") || !tail.ends_with(".weight")) return false;
  const std::string_view adapter = tail.substr(1, tail.size() - 1 - std::strlen(".weight"));
  return !adapter.empty() && adapter.find('.') == std::string_view::npos;
}

std::optional<Entry> Split(std::string_view name) {
  for (const PartName& candidate : kPartNames) {
    const size_t at = name.rfind(candidate.marker);
    if (at == std::string_view::npos || at == 0) continue;
    const std::string_view tail = name.substr(at + candidate.marker.size());
    if (candidate.may_have_adapter ? IsWeightTail(tail) : tail.empty()) {
      return Entry{name.substr(0, at), candidate.part};
    }
  }
  return std::nullopt;
}

float HalfToFloat(uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  float value = 0;
  if (exponent == 31) {
    value = mantissa != 0 ? NAN : INFINITY;
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(mantissa), -24);
  } else {
    value = std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  }
  return (half & 0x8000) != 0 ? -value : value;
}

template <typename T>
T Read(const TensorView& view) {
  T value;
  std::memcpy(&value, view.data, sizeof(T));
  return value;
}

std::optional<double> ScalarValue(const TensorView& view) {
  if (view.elements() != 1) return std::nullopt;
  switch (view.dtype) {
    case DType::kF64:
      return Read<double>(view);
    case DType::kF32:
      return Read<float>(view);
    case DType::kF16:
      return HalfToFloat(Read<uint16_t>(view));
    case DType::kBF16:
      return std::bit_cast<float>(static_cast<uint32_t>(Read<uint16_t>(view)) << 16);
    case DType::kI64:
      return static_cast<double>(Read<int64_t>(view));
    case DType::kI32:
      return Read<int32_t>(view);
    default:
      return std::nullopt;
  }
}

std::string WeightOf(const std::string& module) {
  return module.ends_with("modulation") ? module : module + ".weight";
}

// The tensor that a part of `module` changes, by canonical name.
std::optional<std::string> Target(const CanonicalModule& canonical, const Entry& entry) {
  if (entry.part == Part::kDiffModulation) {
    return canonical(std::string(entry.module) + ".modulation");
  }
  const auto module = canonical(entry.module);
  if (!module) return std::nullopt;
  return entry.part == Part::kDiffBias ? *module + ".bias" : WeightOf(*module);
}

// Collects a file's entries, then checks and finishes them.
class LoraReader {
 public:
  LoraReader(const WeightFile& file, const CanonicalModule& canonical)
      : path_(file.path()), canonical_(canonical) {
    for (const auto& [name, view] : file.tensors()) Add(name, view);
  }

  std::map<std::string, LoraDelta> Finish() {
    T3_CHECK(
        unmatched_.empty(), "{}: {} of its entries match nothing in the network: {}{}", path_,
        unmatched_.size(),
        fmt::join(unmatched_.begin(),
                  unmatched_.begin() + static_cast<int64_t>(std::min<size_t>(8, unmatched_.size())),
                  ", "),
        unmatched_.size() > 8 ? " and more" : "");
    T3_CHECK(!deltas_.empty(), "{}: no LoRA weights in this file", path_);
    for (const auto& [target, alpha] : alphas_) {
      T3_CHECK(deltas_.contains(target), "{}: {} has an alpha and no factors", path_, target);
    }
    for (auto& [target, delta] : deltas_) FinishDelta(target, &delta);
    return std::move(deltas_);
  }

 private:
  void Add(const std::string& name, const TensorView& view) {
    const auto entry = Split(name);
    const auto target = entry ? Target(canonical_, *entry) : std::nullopt;
    if (!target) {
      unmatched_.push_back(name);
      return;
    }
    if (entry->part == Part::kAlpha) {
      const auto alpha = ScalarValue(view);
      T3_CHECK(alpha && std::isfinite(*alpha), "{}: {} must be one finite number", path_, name);
      alphas_[*target] = *alpha;
      return;
    }
    LoraDelta& delta = deltas_[*target];
    if (delta.source.empty()) delta.source = name;
    std::optional<TensorView>& slot = entry->part == Part::kUp     ? delta.up
                                      : entry->part == Part::kDown ? delta.down
                                                                   : delta.full;
    T3_CHECK(!slot,
             "{}: two entries change {} in the same way, {} and another; is this more than "
             "one adapter?",
             path_, *target, name);
    slot = view;
  }

  void FinishDelta(const std::string& target, LoraDelta* delta) const {
    T3_CHECK(delta->up.has_value() == delta->down.has_value(),
             "{}: {} has only one of its two factors (up/B and down/A)", path_, delta->source);
    if (!delta->up) return;
    const auto& up = delta->up->shape;
    const auto& down = delta->down->shape;
    T3_CHECK(up.size() >= 2 && down.size() >= 2 && up[1] == down[0] && down[0] > 0,
             "{}: the factors of {} are ({}) and ({}), wanted (out, rank) and (rank, in)", path_,
             target, fmt::join(up, ", "), fmt::join(down, ", "));
    const auto alpha = alphas_.find(target);
    if (alpha != alphas_.end()) delta->factor = alpha->second / static_cast<double>(down[0]);
  }

  const std::string& path_;
  const CanonicalModule& canonical_;
  std::map<std::string, LoraDelta> deltas_;
  std::map<std::string, double> alphas_;
  std::vector<std::string> unmatched_;
};

}  // namespace

bool LooksLikeLora(const TensorViews& tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const auto& item) {
    const auto entry = Split(item.first);
    return entry && entry->part != Part::kAlpha;
  });
}

LoraFile ReadLora(std::shared_ptr<const WeightFile> file, const CanonicalModule& canonical) {
  LoraFile result;
  result.deltas = LoraReader(*file, canonical).Finish();
  result.file = std::move(file);
  return result;
}

}  // namespace t3
