// Recognising distilled weights.
#include "loading/distillation.h"

#include <algorithm>
#include <filesystem>

#include "base/check.h"
#include "config/distilled.h"
#include "loading/sampling_json.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

// Names that say nothing of the model: its folder does. Downloads of the Hugging Face hub are three
// folders deeper than the repository's name.
bool IsGenericName(const std::string& name) {
  return std::ranges::any_of(
      std::initializer_list<const char*>{"diffusion_pytorch_model", "model.", "model-", "model-",
                                         "pytorch_model", "adapter_model", "pytorch_lora_weights"},
      [&](const char* start) { return name.starts_with(start); });
}

std::vector<std::string> NamesOf(const std::string& path) {
  constexpr int kFolders = 4;
  const fs::path file(path);
  std::vector<std::string> names{file.filename().string()};
  if (!IsGenericName(names.front())) return names;
  std::error_code ignored;
  fs::path folder = fs::absolute(file, ignored).parent_path();
  for (int i = 0; i < kFolders && folder.has_relative_path(); ++i) {
    names.push_back(folder.filename().string());
    folder = folder.parent_path();
  }
  return names;
}

FileTraits TraitsOf(const WeightFile& file, int64_t dim) {
  const auto has_tensor = [&file](std::string_view part) {
    return std::ranges::any_of(file.tensors(), [&](const auto& tensor) {
      return tensor.first.find(part) != std::string::npos;
    });
  };
  return {dim, NamesOf(file.path()), has_tensor};
}

// Few steps without guidance, unless the metadata say otherwise.
const SamplingConfig kStatedDefaults{.sampler = Sampler::kEuler, .guidance = 1};

std::optional<Distillation> FindDistillation(const WeightFile& file, const FileTraits& traits) {
  const auto stated = file.metadata().find(kSamplingKey);
  if (stated != file.metadata().end()) {
    return Distillation{
        traits.names.front(), "the file's metadata", true,
        ParseSampling(stated->second, fmt::format("{}: metadata {}", file.path(), kSamplingKey),
                      kStatedDefaults)};
  }
  const DistilledMatch match = FindDistilledWeights(traits);
  if (match.weights == nullptr) return std::nullopt;
  return Distillation{match.weights->name,
                      match.by_tensor ? "the file's tensors" : "the file's name", false,
                      match.weights->sampling};
}

}  // namespace

std::optional<Distillation> DistillationOfDit(const WeightFile& file, int64_t dim) {
  const FileTraits traits = TraitsOf(file, dim);
  const std::string causal = CausalMethodOf(traits);
  T3_CHECK(causal.empty(),
           "{} holds {} weights by its name: a causal model, which denoises block by block and "
           "attends to a cache of earlier frames. t3 denoises all frames together, where such "
           "weights fail; take a model that was distilled with full attention",
           file.path(), causal);
  return FindDistillation(file, traits);
}

std::optional<Distillation> DistillationOfLora(const WeightFile& file, int64_t dim) {
  std::optional<Distillation> found = FindDistillation(file, TraitsOf(file, dim));
  if (found) found->before_folder = true;
  return found;
}

void ApplyDistillation(const nlohmann::json& folder, bool dit_from_folder,
                       std::optional<Distillation>& distilled, GenerationDefaults& defaults) {
  if (!distilled) return;
  if (!distilled->before_folder && dit_from_folder && StatesSampling(folder)) {
    distilled.reset();
    return;
  }
  defaults.sampling = distilled->sampling;
  // Numbers of t3.json that were chosen for other weights.
  if (distilled->before_folder && defaults.draft) defaults.draft->steps.reset();
  if (const double strength = StrengthOfList(defaults.sampling); strength < 1)
    defaults.strength = strength;
}

}  // namespace t3
