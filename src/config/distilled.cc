// The table of distilled weights. Sources: the inference code and model cards of each release.
#include "config/distilled.h"

#include <algorithm>

namespace t3 {
namespace {

constexpr int64_t kDim13B = 1536, kDim5B = 3072;

// Distilled weights include the effect of guidance, so all have guidance 1. A shift beside a list
// says where a strength enters the list.
const SamplingConfig kFastWan13B{.sampler = Sampler::kRenoise,
                                 .steps = 3,
                                 .guidance = 1,
                                 .shift = 8,
                                 .timesteps = {1000, 757, 522}};
const SamplingConfig kFastWan5B{.sampler = Sampler::kRenoise,
                                .steps = 3,
                                .guidance = 1,
                                .shift = 5,
                                .timesteps = {1000, 757, 522}};
const SamplingConfig kFourEulerSteps{
    .sampler = Sampler::kEuler, .steps = 4, .guidance = 1, .shift = 5};
const SamplingConfig kCausVid{.sampler = Sampler::kEuler,
                              .steps = 8,
                              .guidance = 1,
                              .shift = 8,
                              .timesteps = {1000, 934, 862, 756, 603, 410, 250, 140}};
const SamplingConfig kRcm{.sampler = Sampler::kRcm, .steps = kRcmSteps, .guidance = 1, .shift = 5};

// The first one that matches counts.
const std::vector<DistilledWeights> kDistilledWeights{
    {"FastWan2.1-T2V-1.3B", kDim13B, "to_gate_compress", {"fastwan"}, kFastWan13B},
    {"FastWan2.2-TI2V-5B", kDim5B, "", {"fastwan"}, kFastWan5B},
    {"Wan2.2-TI2V-5B-Turbo", kDim5B, "", {"5b", "_turbo_"}, kFourEulerSteps},
    {"rCM", 0, "", {"_rcm_"}, kRcm},
    {"CausVid", 0, "", {"causvid"}, kCausVid},
    {"LightX2V 4-step", 0, "", {"lightx2v", "_4step_"}, kFourEulerSteps},
    {"LightX2V step distillation", 0, "", {"lightx2v", "step_distill"}, kFourEulerSteps},
};

struct CausalMethod {
  const char* name;
  const char* word;
};
constexpr CausalMethod kCausalMethods[] = {{"Self-Forcing", "_self_forcing_"},
                                           {"LongLive", "_longlive_"},
                                           {"CausVid's causal", "_autoregressive_checkpoint_"}};

bool HasWords(const std::string& name, const std::vector<std::string>& words) {
  return std::ranges::all_of(
      words, [&](const std::string& word) { return name.find(word) != std::string::npos; });
}

}  // namespace

std::string SimplifiedName(std::string_view name) {
  std::string simplified = "_";
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool kept = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (kept) simplified += upper ? static_cast<char>(c - 'A' + 'a') : c;
    if (!kept && simplified.back() != '_') simplified += '_';
  }
  return simplified.back() == '_' ? simplified : simplified + '_';
}

DistilledMatch FindDistilledWeights(const FileTraits& file) {
  for (const DistilledWeights& weights : kDistilledWeights) {
    if (weights.dim != 0 && weights.dim != file.dim) continue;
    if (*weights.tensor != '\0' && file.has_tensor(weights.tensor)) return {&weights, true};
    for (const std::string& name : file.names) {
      if (HasWords(SimplifiedName(name), weights.words)) return {&weights, false};
    }
  }
  return {};
}

std::string CausalMethodOf(const FileTraits& file) {
  const size_t count = std::min<size_t>(file.names.size(), 2);
  for (const CausalMethod& method : kCausalMethods) {
    for (size_t i = 0; i < count; ++i) {
      if (SimplifiedName(file.names[i]).find(method.word) != std::string::npos) return method.name;
    }
  }
  return "";
}

}  // namespace t3
