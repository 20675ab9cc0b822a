// CLIP's table, and its names in files.
#include "arch/clip.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"

namespace t3 {
namespace {

constexpr int64_t kFfnFactor = 4;
// The widest tower whose heads are 64 wide; ViT-H, g and G have wider ones.
constexpr int64_t kMaxClipWidth = 1024;

constexpr std::pair<const char*, const char*> kTransformersLayer[] = {
    {"layer_norm1", "ln_1"},        {"layer_norm2", "ln_2"},
    {"self_attn.q_proj", "attn.q"}, {"self_attn.k_proj", "attn.k"},
    {"self_attn.v_proj", "attn.v"}, {"self_attn.out_proj", "attn.out_proj"},
    {"mlp.fc1", "mlp.c_fc"},        {"mlp.fc2", "mlp.c_proj"},
};
constexpr const char* kOpenAiLayer[] = {
    "ln_1",          "ln_2",     "attn.in_proj_weight", "attn.in_proj_bias",
    "attn.out_proj", "mlp.c_fc", "mlp.c_proj"};
constexpr const char* kOpenAiNames[] = {"visual.class_embedding",
                                        "visual.positional_embedding",
                                        "visual.proj",
                                        "visual.conv1",
                                        "visual.ln_pre",
                                        "visual.ln_post",
                                        "positional_embedding",
                                        "text_projection",
                                        "token_embedding",
                                        "ln_final"};
constexpr std::pair<const char*, const char*> kTransformersNames[] = {
    {"vision_model.embeddings.class_embedding", "visual.class_embedding"},
    {"vision_model.embeddings.patch_embedding", "visual.conv1"},
    {"vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"},
    {"vision_model.pre_layrnorm", "visual.ln_pre"},  // as they spell it
    {"vision_model.post_layernorm", "visual.ln_post"},
    {"visual_projection.weight", "visual.projection"},
    {"text_model.embeddings.token_embedding", "token_embedding"},
    {"text_model.embeddings.position_embedding.weight", "positional_embedding"},
    {"text_model.final_layer_norm", "ln_final"},
    {"text_projection.weight", "projection"},
};

std::vector<RenameRule> ClipRules() {
  std::vector<RenameRule> rules;
  for (const char* name : kOpenAiNames) rules.push_back({name, name, "original"});
  for (const auto& [theirs, ours] : kTransformersNames) {
    rules.push_back({theirs, ours, "transformers"});
  }
  for (const auto& [theirs, ours] : {std::pair("vision_model.encoder.layers.#.", "visual."),
                                     std::pair("text_model.encoder.layers.#.", "")}) {
    const std::string layer = std::string(ours) + "transformer.resblocks.#.";
    for (const char* part : kOpenAiLayer) rules.push_back({layer + part, layer + part, "original"});
    for (const auto& [their_part, part] : kTransformersLayer) {
      rules.push_back({std::string(theirs) + their_part, layer + part, "transformers"});
    }
  }
  return rules;
}

void AddLayer(TensorTable* table, const std::string& name, int64_t out, int64_t in) {
  table->push_back({name + ".weight", {out, in}});
  table->push_back({name + ".bias", {out}});
}

void AddNorm(TensorTable* table, const std::string& name, int64_t width) {
  table->push_back({name + ".weight", {width}});
  table->push_back({name + ".bias", {width}});
}

void AddTower(TensorTable* table, const std::string& prefix, const ClipTowerConfig& tower,
              bool separate) {
  const int64_t width = tower.width;
  for (int64_t i = 0; i < tower.layers; ++i) {
    const std::string block = fmt::format("{}transformer.resblocks.{}.", prefix, i);
    if (separate) {
      for (const char* part : {"attn.q", "attn.k", "attn.v"}) {
        AddLayer(table, block + part, width, width);
      }
    } else {
      table->push_back({block + "attn.in_proj_weight", {3 * width, width}});
      table->push_back({block + "attn.in_proj_bias", {3 * width}});
    }
    AddLayer(table, block + "attn.out_proj", width, width);
    AddNorm(table, block + "ln_1", width);
    AddNorm(table, block + "ln_2", width);
    AddLayer(table, block + "mlp.c_fc", kFfnFactor * width, width);
    AddLayer(table, block + "mlp.c_proj", width, kFfnFactor * width);
  }
}

void AddProjection(TensorTable* table, const char* name, const char* separate_name,
                   const ClipTowerConfig& tower, const ClipConfig& config) {
  if (config.separate) {
    table->push_back({separate_name, {config.embedding, tower.width}});
  } else {
    table->push_back({name, {tower.width, config.embedding}});
  }
}

ClipTowerConfig ReadTower(const NamedViews& views, const std::string& norm,
                          const std::string& prefix) {
  const ClipTowerConfig tower{SizeOf(views.tensors, norm, 0, "CLIP"),
                              CountIndexed(views.tensors, prefix + "transformer.resblocks")};
  T3_CHECK(tower.width % ClipTowerConfig::kHeadWidth == 0 && tower.width <= kMaxClipWidth,
           "{}: a tower of CLIP is {} wide; wanted a multiple of {} up to {}, as in ViT-L/14",
           views.path, tower.width, ClipTowerConfig::kHeadWidth, kMaxClipWidth);
  return tower;
}

// The side of the image, from the rows of its positional embedding: one a patch, and the class's.
int64_t ReadImageSize(const NamedViews& views, int64_t patch) {
  const int64_t patches = SizeOf(views.tensors, "visual.positional_embedding", 0, "CLIP") - 1;
  int64_t side = 0;
  while ((side + 1) * (side + 1) <= patches) ++side;
  T3_CHECK(side > 0 && side * side == patches,
           "{}: CLIP has {} positions of patches; wanted those of a square", views.path, patches);
  return side * patch;
}

}  // namespace

TensorTable ClipTensors(const ClipConfig& c) {
  const int64_t grid = c.image_size / c.patch;
  TensorTable table{{"visual.class_embedding", {c.image.width}},
                    {"visual.positional_embedding", {grid * grid + 1, c.image.width}},
                    {"visual.conv1.weight", {c.image.width, 3, c.patch, c.patch}}};
  AddNorm(&table, "visual.ln_pre", c.image.width);
  AddTower(&table, "visual.", c.image, c.separate);
  AddNorm(&table, "visual.ln_post", c.image.width);
  AddProjection(&table, "visual.proj", "visual.projection", c.image, c);
  table.push_back({"token_embedding.weight", {c.vocab_size, c.text.width}});
  table.push_back({"positional_embedding", {c.context, c.text.width}});
  AddTower(&table, "", c.text, c.separate);
  AddNorm(&table, "ln_final", c.text.width);
  AddProjection(&table, "text_projection", "projection", c.text, c);
  return table;
}

const Naming& ClipNaming() {
  static const Naming naming{
      .network = "CLIP",
      .prefixes = {"module.", "clip.", "text."},
      .foreign = {},
      // Training's temperature, and numbers that OpenAI's and older files keep as tensors.
      .extras = {"logit_scale", "logit_bias", "input_resolution", "context_length", "vocab_size",
                 "attn_mask", "text_model.embeddings.position_ids",
                 "vision_model.embeddings.position_ids"},
      .rules = ClipRules()};
  return naming;
}

ClipConfig ReadClipConfig(const NamedViews& views) {
  T3_CHECK(views.tensors.contains("visual.conv1.weight") &&
               views.tensors.contains("token_embedding.weight"),
           "{} does not hold the two towers of a CLIP with a vision transformer; wanted CLIP "
           "ViT-L/14 as OpenAI, open_clip or transformers store it",
           views.path);
  const auto size = [&](const char* name, size_t dim) {
    return SizeOf(views.tensors, name, dim, "CLIP");
  };
  ClipConfig config;
  config.separate = views.tensors.contains("visual.transformer.resblocks.0.attn.q.weight");
  config.image = ReadTower(views, "visual.ln_post.weight", "visual.");
  config.text = ReadTower(views, "ln_final.weight", "");
  config.embedding = config.separate ? size("visual.projection", 0) : size("visual.proj", 1);
  config.patch = size("visual.conv1.weight", 2);
  config.image_size = ReadImageSize(views, config.patch);
  config.context = size("positional_embedding", 0);
  config.vocab_size = size("token_embedding.weight", 0);
  return config;
}

}  // namespace t3
