// Names of the denoiser's tensors in original, ComfyUI and diffusers files.
#include <string>
#include <utility>
#include <vector>

#include "arch/dit.h"

namespace t3 {
namespace {

constexpr const char* kOriginal = "original";
constexpr const char* kDiffusers = "diffusers";

// Modules under the original names, which map to themselves.
std::vector<RenameRule> OriginalRules() {
  // Every family has this name, so it says nothing about the family.
  std::vector<RenameRule> rules{{"patch_embedding", "patch_embedding", ""}};
  for (const char* name :
       {"text_embedding.0", "text_embedding.2", "time_embedding.0", "time_embedding.2",
        "time_projection.1", "head.head", "head.modulation", "blocks.#.modulation",
        "blocks.#.norm3", "blocks.#.ffn.0", "blocks.#.ffn.2"}) {
    rules.push_back({name, name, kOriginal});
  }
  for (const char* attention : {"blocks.#.self_attn.", "blocks.#.cross_attn."}) {
    for (const char* part : {"q", "k", "v", "o", "norm_q", "norm_k"}) {
      const std::string name = std::string(attention) + part;
      rules.push_back({name, name, kOriginal});
    }
  }
  return rules;
}

// diffusers numbers the norms by their place in the block: its norm2 is the affine one before
// cross-attention, the original's norm3.
std::vector<RenameRule> DiffusersRules() {
  std::vector<RenameRule> rules{
      {"blocks.#.norm2", "blocks.#.norm3", kDiffusers},
      {"blocks.#.scale_shift_table", "blocks.#.modulation", kDiffusers},
      {"blocks.#.ffn.net.0.proj", "blocks.#.ffn.0", kDiffusers},
      {"blocks.#.ffn.net.2", "blocks.#.ffn.2", kDiffusers},
      {"condition_embedder.text_embedder.linear_1", "text_embedding.0", kDiffusers},
      {"condition_embedder.text_embedder.linear_2", "text_embedding.2", kDiffusers},
      {"condition_embedder.time_embedder.linear_1", "time_embedding.0", kDiffusers},
      {"condition_embedder.time_embedder.linear_2", "time_embedding.2", kDiffusers},
      {"condition_embedder.time_proj", "time_projection.1", kDiffusers},
      {"proj_out", "head.head", kDiffusers},
      {"scale_shift_table", "head.modulation", kDiffusers},
  };
  const std::pair<const char*, const char*> attentions[] = {
      {"blocks.#.attn1.", "blocks.#.self_attn."}, {"blocks.#.attn2.", "blocks.#.cross_attn."}};
  const std::pair<const char*, const char*> parts[] = {{"to_q", "q"},        {"to_k", "k"},
                                                       {"to_v", "v"},        {"to_out.0", "o"},
                                                       {"norm_q", "norm_q"}, {"norm_k", "norm_k"}};
  for (const auto& [from, to] : attentions) {
    for (const auto& [part_from, part_to] : parts) {
      rules.push_back({std::string(from) + part_from, std::string(to) + part_to, kDiffusers});
    }
  }
  return rules;
}

// ggml drops leading axes of size 1, and rCM stores the patch embedding's convolution as a matrix.
void RestoreDitShape(std::string_view name, std::vector<int64_t>* shape) {
  if (name.ends_with(".modulation") && shape->size() == 2) {
    shape->insert(shape->begin(), 1);
  } else if (name == "patch_embedding.weight" && shape->size() == 2 && shape->back() % 4 == 0) {
    *shape = {shape->front(), shape->back() / 4, 1, 2, 2};
  }
}

}  // namespace

const Naming& DitNaming() {
  static const Naming naming = [] {
    Naming n{.network = "DiT",
             .prefixes = {"diffusion_model.", "transformer.", "dit.", "unet.", "denoiser.", "pipe.",
                          "model.", "module.", "net."},
             .own = {"model.diffusion_model.", "diffusion_model.", "dit.", "unet."},
             .foreign = {"first_stage_model.", "vae.", "text_encoders.", "text_encoder.",
                         "conditioner.", "cond_stage_model."},
             .extras = {"scaled_fp8"},
             .unused = {{"blocks.#.to_gate_compress",
                         "FastWan's gates (to_gate_compress) are left out: t3 does not have the "
                         "compressed branch of its sparse attention"}},
             .image_layers = {"cross_attn.k_img", "cross_attn.v_img", "cross_attn.norm_k_img",
                              "img_emb.", "attn2.add_k_proj", "attn2.add_v_proj",
                              "attn2.norm_added_k", "image_embedder."},
             .rules = OriginalRules(),
             .restore_shape = RestoreDitShape};
    for (RenameRule& rule : DiffusersRules()) n.rules.push_back(std::move(rule));
    return n;
  }();
  return naming;
}

bool LooksLikeDit(const NamedViews& views) {
  for (const char* name : {"patch_embedding.weight", "blocks.0.self_attn.q.weight",
                           "time_projection.1.weight", "blocks.0.modulation"}) {
    if (views.tensors.contains(name)) return true;
  }
  return false;
}

}  // namespace t3
