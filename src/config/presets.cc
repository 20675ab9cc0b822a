// Data of the presets.
#include "config/presets.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/check.h"
#include "base/nearest.h"

namespace t3 {

const char* const kWanNegativePrompt =
    "色调艳丽，过曝，静态，细节模糊不清，字幕，风格，作品，画作，画面，静止，整体发灰，最差质量，低"
    "质量，JPEG压缩残留，丑陋的，残缺的，多余的手指，"
    "画得不好的手部，画得不好的脸部，畸形的，毁容的，形态畸形的肢体，手指融合，静止不动的画面，杂乱"
    "的背景，三条腿，背景人很多，倒着走";

namespace {

// Statistics as the official VAE code lists them.
const std::vector<double> kMean21{
    -0.7571, -0.7089, -0.9113, 0.1075,  -0.1745, 0.9653,  -0.1517, 1.5508,
    0.4134,  -0.0715, 0.5517,  -0.3632, -0.1922, -0.9497, 0.2503,  -0.2921,
};
const std::vector<double> kStd21{
    2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
    3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160,
};
const std::vector<double> kMean22{
    -0.2289, -0.0052, -0.1323, -0.2339, -0.2799, 0.0174,  0.1838,  0.1557,  -0.1382, 0.0542,
    0.2813,  0.0891,  0.1570,  -0.0098, 0.0375,  -0.1825, -0.2246, -0.1207, -0.0698, 0.5109,
    0.2665,  -0.2108, -0.2158, 0.2502,  -0.2055, -0.0322, 0.1109,  0.1567,  -0.0729, 0.0899,
    -0.2799, -0.1230, -0.0313, -0.1649, 0.0117,  0.0723,  -0.2839, -0.2083, -0.0520, 0.3748,
    0.0152,  0.1957,  0.1433,  -0.2944, 0.3573,  -0.0548, -0.1681, -0.0667,
};
const std::vector<double> kStd22{
    0.4765, 1.0364, 0.4514, 1.1677, 0.5313, 0.4990, 0.4818, 0.5013, 0.8158, 1.0344, 0.5894, 1.0901,
    0.6885, 0.6165, 0.8454, 0.4978, 0.5759, 0.3523, 0.7135, 0.6804, 0.5833, 1.4146, 0.8986, 0.5659,
    0.7069, 0.5338, 0.4889, 0.4917, 0.4069, 0.4999, 0.6866, 0.4093, 0.5709, 0.6065, 0.6415, 0.4944,
    0.5726, 1.2042, 0.5458, 1.6887, 0.3971, 1.0600, 0.3943, 0.5537, 0.5444, 0.4089, 0.7468, 0.7744,
};

// Window counts of the published T3 checkpoints at 3840x2176x81.
const WindowTable kWindows21{{21, 136, 240},
                             {{21, 1, 1}, {1, 17, 30}, {1, 8, 40}, {3, 17, 8}, {7, 8, 6}}};
const WindowTable kWindows22{{21, 68, 120},
                             {{21, 1, 1}, {1, 17, 20}, {1, 17, 6}, {3, 4, 15}, {7, 4, 8}}};

const TextEncoderConfig kUmt5Xxl{.dim = 4096,
                                 .ffn_dim = 10240,
                                 .num_heads = 64,
                                 .attention_dim = 4096,
                                 .num_layers = 24,
                                 .vocab_size = 256384};

const DitConfig kDit13B{
    .dim = 1536, .ffn_dim = 8960, .num_heads = 12, .num_layers = 30, .latent_channels = 16};
const DitConfig kDit5B{
    .dim = 3072, .ffn_dim = 14336, .num_heads = 24, .num_layers = 30, .latent_channels = 48};

const VaeConfig kVae21{.version = VaeVersion::k21,
                       .latent_channels = 16,
                       .encoder_dim = 96,
                       .decoder_dim = 96,
                       .mean = kMean21,
                       .std = kStd21};
const VaeConfig kVae22{.version = VaeVersion::k22,
                       .latent_channels = 48,
                       .encoder_dim = 160,
                       .decoder_dim = 256,
                       .mean = kMean22,
                       .std = kStd22};

// The T3 release samples with Euler and an empty negative prompt; official Wan uses UniPC and a
// prompt of its own.
GenerationDefaults T3Defaults() {
  return {.width = 3840,
          .height = 2176,
          .frames = 81,
          .fps = 30,
          .sampling = {.sampler = Sampler::kEuler},
          .negative_prompt = ""};
}

std::vector<ModelPreset> MakePresets() {
  const GenerationDefaults wan21{.width = 832,
                                 .height = 480,
                                 .frames = 81,
                                 .fps = 16,
                                 .sampling = {},
                                 .negative_prompt = kWanNegativePrompt};
  const GenerationDefaults wan22{.width = 1280,
                                 .height = 704,
                                 .frames = 121,
                                 .fps = 24,
                                 .sampling = {},
                                 .negative_prompt = kWanNegativePrompt};
  return {
      {"wan2.1-1.3b", kDit13B, kUmt5Xxl, kVae21, AttentionPattern::kFull, wan21},
      {"wan2.1-1.3b-t3", kDit13B, kUmt5Xxl, kVae21, AttentionPattern::kT3, T3Defaults()},
      {"wan2.2-5b", kDit5B, kUmt5Xxl, kVae22, AttentionPattern::kFull, wan22},
      {"wan2.2-5b-t3", kDit5B, kUmt5Xxl, kVae22, AttentionPattern::kT3, T3Defaults()},
  };
}

}  // namespace

const std::vector<ModelPreset>& Presets() {
  static const std::vector<ModelPreset> presets = MakePresets();
  return presets;
}

const ModelPreset& FindPreset(std::string_view name) {
  std::vector<std::string> names;
  for (const ModelPreset& preset : Presets()) {
    if (preset.name == name) return preset;
    names.push_back(preset.name);
  }
  FailUsage("unknown preset '{}'; the presets are {}{}", name, fmt::join(names, ", "),
            DidYouMean(name, names));
}

const ModelPreset* MatchPreset(const DitConfig& dit, AttentionPattern attention) {
  for (const ModelPreset& preset : Presets()) {
    if (preset.dit == dit && preset.attention == attention) return &preset;
  }
  return nullptr;
}

const ModelPreset& ReleaseOf(ModelFamily family, bool t3) {
  return *std::ranges::find_if(Presets(), [&](const ModelPreset& preset) {
    return FamilyOf(preset.dit.latent_channels) == family &&
           (preset.attention == AttentionPattern::kT3) == t3;
  });
}

const WindowTable& PublishedWindows(ModelFamily family) {
  return family == ModelFamily::kWan22 ? kWindows22 : kWindows21;
}

const std::vector<double>& LatentMean(VaeVersion version) {
  return version == VaeVersion::k21 ? kMean21 : kMean22;
}

const std::vector<double>& LatentStd(VaeVersion version) {
  return version == VaeVersion::k21 ? kStd21 : kStd22;
}

}  // namespace t3
