// Reading LoRA files.
#include "weights/lora.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/check.h"
#include "base/text.h"
#include "weights/lora_names.h"
#include "weights/lora_strength.h"
#include "weights/tensor_values.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

std::string WeightOf(const std::string& module) {
  return module.ends_with("modulation") ? module : module + ".weight";
}

// At most eight, then how many more.
std::string ListText(const std::vector<std::string>& names) {
  constexpr size_t kShown = 8;
  const auto end = names.begin() + static_cast<int64_t>(std::min(kShown, names.size()));
  std::string text = fmt::format("{}", fmt::join(names.begin(), end, ", "));
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return text;
}

// Layers that the network does not have, and whether the file changes anything there.
class ImageLayers {
 public:
  void Add(std::string_view module, LoraPart part, const TensorView& view) {
    if (part == LoraPart::kAlpha) return;
    Layer& layer = layers_[std::string(module)];
    const bool zero = AllZero(view);
    if (part == LoraPart::kUp || part == LoraPart::kDown) {
      layer.zero_factor |= zero;
      layer.has_factors = true;
    } else {
      layer.full |= !zero;
    }
  }

  void Describe(std::vector<std::string>* notes) const {
    if (layers_.empty()) return;
    const bool changes = std::any_of(layers_.begin(), layers_.end(), [](const auto& item) {
      return item.second.full || (item.second.has_factors && !item.second.zero_factor);
    });
    const std::string layers =
        fmt::format("{} image layers ({}, ...)", layers_.size(), Quote(layers_.begin()->first));
    notes->push_back(changes ? layers +
                                   " of an image-to-video LoRA are left out: the model has no "
                                   "such layers, so the LoRA acts only in part"
                             : layers + " of the LoRA are zero and are left out");
  }

 private:
  struct Layer {
    bool has_factors = false;
    bool zero_factor = false;
    bool full = false;
  };
  std::map<std::string, Layer> layers_;
};

// Collects a file's entries, then checks and finishes them.
class LoraReader {
 public:
  LoraReader(const WeightFile& file, const LoraModules& modules) : file_(file), modules_(modules) {
    for (const auto& [name, view] : file.tensors()) Add(name, view);
  }

  void Finish(LoraFile* result) {
    T3_CHECK(unmatched_.empty(), "{}: {} of its entries match nothing in the network: {}", path(),
             unmatched_.size(), ListText(unmatched_));
    image_layers_.Describe(&result->notes);
    T3_CHECK(!deltas_.empty(), "{}: no LoRA weights in this file", path());
    for (const auto& [target, alpha] : alphas_) {
      const auto delta = deltas_.find(target);
      T3_CHECK(delta != deltas_.end() && (delta->second.up || delta->second.down),
               "{}: {} has an alpha and no factors", path(), Quote(alpha.source));
    }
    for (auto& [target, delta] : deltas_) FinishFactors(target, &delta);
    for (const auto& [bias, weight] : scaled_biases_) ScaleBias(bias, weight);
    result->deltas = std::move(deltas_);
  }

 private:
  struct Alpha {
    double value;
    std::string source;
  };

  const std::string& path() const { return file_.path(); }

  void Add(const std::string& name, const TensorView& view) {
    const std::string_view other = OtherAdapter(name);
    T3_CHECK(other.empty(),
             "{} is not a plain LoRA but uses {} ({}), which t3 cannot merge; merge it with the "
             "program that made it and give the merged denoiser as `dit`",
             path(), other, Quote(name));
    const auto parsed = ParseLoraName(name);
    if (parsed && modules_.is_image_layer(parsed->module)) {
      return image_layers_.Add(parsed->module, parsed->part, view);
    }
    const auto module = parsed ? ModuleOf(*parsed) : std::nullopt;
    if (!module) {
      unmatched_.push_back(Quote(name));
    } else if (parsed->part == LoraPart::kAlpha) {
      AddAlpha(name, WeightOf(*module), view);
    } else {
      AddChange(name, *module, parsed->part, view);
    }
  }

  std::optional<std::string> ModuleOf(const LoraName& name) const {
    if (name.part != LoraPart::kModulation) return modules_.canonical(name.module);
    return modules_.canonical(std::string(name.module) + ".modulation");
  }

  void AddAlpha(const std::string& name, const std::string& target, const TensorView& view) {
    const auto value = ScalarValue(view);
    T3_CHECK(value && std::isfinite(*value), "{}: {} must be one finite number", path(),
             Quote(name));
    const auto [known, added] = alphas_.emplace(target, Alpha{*value, name});
    T3_CHECK(
        added || known->second.value == *value,
        "{}: {} is {} and {} is {}, two strengths of one layer; is this more than one adapter?",
        path(), Quote(known->second.source), known->second.value, Quote(name), *value);
  }

  void AddChange(const std::string& name, const std::string& module, LoraPart part,
                 const TensorView& view) {
    const bool bias = part == LoraPart::kUpBias || part == LoraPart::kFullBias;
    const std::string target = bias ? module + ".bias" : WeightOf(module);
    if (part == LoraPart::kUpBias) scaled_biases_[target] = WeightOf(module);
    LoraDelta& delta = deltas_[target];
    if (delta.source.empty()) delta.source = name;
    std::optional<TensorView>& slot = part == LoraPart::kUp     ? delta.up
                                      : part == LoraPart::kDown ? delta.down
                                                                : delta.full;
    T3_CHECK(!slot,
             "{}: two entries change {} in the same way, {} and another; is this more than "
             "one adapter?",
             path(), target, Quote(name));
    slot = view;
  }

  void FinishFactors(const std::string& target, LoraDelta* delta) {
    T3_CHECK(delta->up.has_value() == delta->down.has_value(),
             "{}: {} has only one of its two factors (up/B and down/A)", path(),
             Quote(delta->source));
    if (!delta->up) return;
    const auto& up = delta->up->shape;
    const auto& down = delta->down->shape;
    T3_CHECK(up.size() >= 2 && down.size() >= 2 && up[1] == down[0] && down[0] > 0,
             "{}: the factors of {} are ({}) and ({}), wanted (out, rank) and (rank, in)", path(),
             target, fmt::join(up, ", "), fmt::join(down, ", "));
    const auto alpha = alphas_.find(target);
    if (alpha != alphas_.end()) {
      delta->factor = alpha->second.value / static_cast<double>(down[0]);
    } else {
      delta->factor = Strength().Factor(ParseLoraName(delta->source)->module, down[0]);
    }
  }

  // Read only if a layer has no alpha tensor, so that an unrelated adapter_config.json does no
  // harm.
  const LoraStrength& Strength() {
    if (!strength_) strength_ = LoraStrength::Read(file_);
    return *strength_;
  }

  void ScaleBias(const std::string& bias, const std::string& weight) {
    const auto factors = deltas_.find(weight);
    T3_CHECK(factors != deltas_.end() && factors->second.up, "{}: {} has no factors beside it",
             path(), Quote(deltas_[bias].source));
    deltas_[bias].full_factor = factors->second.factor;
  }

  const WeightFile& file_;
  const LoraModules& modules_;
  std::map<std::string, LoraDelta> deltas_;
  std::map<std::string, Alpha> alphas_;
  std::map<std::string, std::string> scaled_biases_;  // bias -> weight whose factor it has
  std::optional<LoraStrength> strength_;
  ImageLayers image_layers_;
  std::vector<std::string> unmatched_;
};

// "16", or "4 to 64" where layers differ.
template <typename T>
std::string RangeText(const std::vector<T>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return *low == *high ? fmt::format("{:.6g}", *low) : fmt::format("{:.6g} to {:.6g}", *low, *high);
}

}  // namespace

bool LooksLikeLora(const TensorViews& tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const auto& item) {
    const auto parsed = ParseLoraName(item.first);
    return (parsed && parsed->part != LoraPart::kAlpha) || !OtherAdapter(item.first).empty();
  });
}

std::string FindLoraFile(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return path;
  for (const char* name : {"adapter_model.safetensors", "pytorch_lora_weights.safetensors",
                           "adapter_model.bin", "pytorch_lora_weights.bin"}) {
    if (fs::is_regular_file(fs::path(path) / name, ignored)) return fs::path(path) / name;
  }
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(path, ignored)) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  T3_CHECK(
      !files.empty(),
      "{} holds no LoRA; wanted adapter_model.safetensors, pytorch_lora_weights.safetensors or "
      "another .safetensors file",
      path);
  T3_CHECK(files.size() == 1, "{} holds several files; give the one that is meant: {}", path,
           ListText(files));
  return files.front();
}

LoraFile ReadLora(std::shared_ptr<const WeightFile> file, const LoraModules& modules) {
  LoraFile result;
  result.notes = file->notes();
  LoraReader(*file, modules).Finish(&result);
  result.file = std::move(file);
  return result;
}

std::string DescribeLora(const LoraFile& lora) {
  std::vector<double> ranks;
  std::vector<double> factors;
  for (const auto& [target, delta] : lora.deltas) {
    if (!delta.up) continue;
    ranks.push_back(static_cast<double>(delta.down->shape[0]));
    factors.push_back(delta.factor);
  }
  if (ranks.empty()) return "full deltas";
  const std::string rank = RangeText(ranks);
  return fmt::format("rank{} {}, alpha/rank {}", rank.find(' ') == std::string::npos ? "" : "s",
                     rank, RangeText(factors));
}

}  // namespace t3
