// Names of the VAE's tensors in original, ComfyUI and diffusers files.
#include "arch/vae.h"
#include "base/check.h"

namespace t3 {
namespace {

using Pair = std::pair<std::string, std::string>;  // theirs, original

constexpr std::pair<const char*, const char*> kResidualParts[] = {
    {"norm1", "residual.0"}, {"conv1", "residual.2"},       {"norm2", "residual.3"},
    {"conv2", "residual.6"}, {"conv_shortcut", "shortcut"},
};

void AddResidualRules(std::vector<Pair>* pairs, const std::string& theirs,
                      const std::string& ours) {
  for (const auto& [from, to] : kResidualParts) {
    pairs->push_back({theirs + "." + from, ours + "." + to});
  }
}

void AddResampleRules(std::vector<Pair>* pairs, const std::string& theirs,
                      const std::string& ours) {
  for (const char* part : {".resample.1", ".time_conv"}) {
    pairs->push_back({theirs + part, ours + part});
  }
}

void AddEnds(std::vector<Pair>* pairs, const std::string& half) {
  pairs->push_back({half + ".conv_in", half + ".conv1"});
  AddResidualRules(pairs, half + ".mid_block.resnets.0", half + ".middle.0");
  for (const char* part : {".norm", ".to_qkv", ".proj"}) {
    pairs->push_back({half + ".mid_block.attentions.0" + part, half + ".middle.1" + part});
  }
  AddResidualRules(pairs, half + ".mid_block.resnets.1", half + ".middle.2");
  pairs->push_back({half + ".norm_out", half + ".head.0"});
  pairs->push_back({half + ".conv_out", half + ".head.2"});
}

// 2.1: layers of the encoder are numbered consecutively by both families; diffusers nests those of
// the decoder.
void AddLevels21(std::vector<Pair>* pairs) {
  AddResidualRules(pairs, "encoder.down_blocks.#", "encoder.downsamples.#");
  AddResampleRules(pairs, "encoder.down_blocks.#", "encoder.downsamples.#");
  VaeConfig config;
  config.version = VaeVersion::k21;
  for (const VaeLevel& level : DecoderLevels(config)) {
    const std::string theirs = fmt::format("decoder.up_blocks.{}", level.index);
    for (int64_t block = 0; block < level.blocks; ++block) {
      AddResidualRules(pairs, fmt::format("{}.resnets.{}", theirs, block), level.BlockName(block));
    }
    AddResampleRules(pairs, theirs + ".upsamplers.0", level.ResamplerName());
  }
}

// 2.2: both families nest both halves.
void AddLevels22(std::vector<Pair>* pairs) {
  AddResidualRules(pairs, "encoder.down_blocks.#.resnets.#", "encoder.downsamples.#.downsamples.#");
  AddResampleRules(pairs, "encoder.down_blocks.#.downsampler",
                   fmt::format("encoder.downsamples.#.downsamples.{}", kVaeEncoderBlocks));
  AddResidualRules(pairs, "decoder.up_blocks.#.resnets.#", "decoder.upsamples.#.upsamples.#");
  AddResampleRules(pairs, "decoder.up_blocks.#.upsampler",
                   fmt::format("decoder.upsamples.#.upsamples.{}", kVaeDecoderBlocks));
}

Naming MakeVaeNaming(VaeVersion version) {
  std::vector<Pair> pairs{{"quant_conv", "conv1"}, {"post_quant_conv", "conv2"}};
  AddEnds(&pairs, "encoder");
  AddEnds(&pairs, "decoder");
  version == VaeVersion::k21 ? AddLevels21(&pairs) : AddLevels22(&pairs);
  Naming naming{
      .network = "VAE",
      .prefixes = {"first_stage_model.", "model_state.", "vae.", "model.", "module.", "net."},
      .own = {"first_stage_model.", "vae."},
      .foreign = {"model.diffusion_model.", "diffusion_model.", "dit.", "unet.", "text_encoders.",
                  "text_encoder.", "conditioner.", "cond_stage_model."},
      .extras = {"scaled_fp8"},
      .rules = {}};
  for (const Pair& pair : pairs) {
    naming.rules.push_back({pair.second, pair.second, "original"});
    naming.rules.push_back({pair.first, pair.second, "diffusers"});
  }
  return naming;
}

}  // namespace

const Naming& VaeNaming(VaeVersion version) {
  static const Naming naming21 = MakeVaeNaming(VaeVersion::k21);
  static const Naming naming22 = MakeVaeNaming(VaeVersion::k22);
  return version == VaeVersion::k21 ? naming21 : naming22;
}

}  // namespace t3
