// Tensor table of the text encoder, its names in files, and reading its sizes.
#include "arch/text_encoder.h"

#include "base/check.h"

namespace t3 {
namespace {

constexpr std::pair<const char*, const char*> kTransformersParts[] = {
    {"layer.0.layer_norm", "norm1"},
    {"layer.0.SelfAttention.q", "attn.q"},
    {"layer.0.SelfAttention.k", "attn.k"},
    {"layer.0.SelfAttention.v", "attn.v"},
    {"layer.0.SelfAttention.o", "attn.o"},
    {"layer.0.SelfAttention.relative_attention_bias", "pos_embedding.embedding"},
    {"layer.1.layer_norm", "norm2"},
    {"layer.1.DenseReluDense.wi_0", "ffn.gate.0"},
    {"layer.1.DenseReluDense.wi_1", "ffn.fc1"},
    {"layer.1.DenseReluDense.wo", "ffn.fc2"},
};

// Of llama.cpp's GGUF files.
constexpr std::pair<const char*, const char*> kLlamaParts[] = {
    {"attn_norm", "norm1"},  {"attn_q", "attn.q"},       {"attn_k", "attn.k"},
    {"attn_v", "attn.v"},    {"attn_o", "attn.o"},       {"attn_rel_b", "pos_embedding.embedding"},
    {"ffn_norm", "norm2"},   {"ffn_gate", "ffn.gate.0"}, {"ffn_up", "ffn.fc1"},
    {"ffn_down", "ffn.fc2"},
};

std::vector<RenameRule> TextRules() {
  std::vector<RenameRule> rules{
      {"token_embedding", "token_embedding", "original"},
      {"norm", "norm", "original"},
      {"shared", "token_embedding", "transformers"},
      {"encoder.embed_tokens", "token_embedding", "transformers"},
      {"encoder.final_layer_norm", "norm", "transformers"},
      {"token_embd", "token_embedding", "llama.cpp"},
      {"enc.output_norm", "norm", "llama.cpp"},
  };
  for (const auto& [theirs, ours] : kTransformersParts) {
    const std::string canonical = std::string("blocks.#.") + ours;
    rules.push_back({canonical, canonical, "original"});
    rules.push_back({std::string("encoder.block.#.") + theirs, canonical, "transformers"});
  }
  for (const auto& [theirs, ours] : kLlamaParts) {
    rules.push_back(
        {std::string("enc.blk.#.") + theirs, std::string("blocks.#.") + ours, "llama.cpp"});
  }
  return rules;
}

}  // namespace

bool IsFp8TextWeight(std::string_view name) {
  const bool matrix =
      name.find(".attn.") != std::string_view::npos || name.find(".ffn.") != std::string_view::npos;
  return matrix && name.starts_with("blocks.") && name.ends_with(".weight");
}

int64_t TextWeightBytes(const TensorTable& table, int64_t element_bytes, bool fp8) {
  return WeightBytes(table, element_bytes) -
         (fp8 ? CodesSaving(table, element_bytes, IsFp8TextWeight) : 0);
}

TensorTable TextEncoderTensors(const TextEncoderConfig& c) {
  TensorTable table{{"token_embedding.weight", {c.vocab_size, c.dim}}};
  for (int64_t i = 0; i < c.num_layers; ++i) {
    const std::string block = fmt::format("blocks.{}", i);
    table.push_back({block + ".norm1.weight", {c.dim}});
    for (const char* part : {".attn.q", ".attn.k", ".attn.v"}) {
      table.push_back({block + part + ".weight", {c.attention_dim, c.dim}});
    }
    table.push_back({block + ".attn.o.weight", {c.dim, c.attention_dim}});
    table.push_back({block + ".norm2.weight", {c.dim}});
    table.push_back({block + ".ffn.gate.0.weight", {c.ffn_dim, c.dim}});
    table.push_back({block + ".ffn.fc1.weight", {c.ffn_dim, c.dim}});
    table.push_back({block + ".ffn.fc2.weight", {c.dim, c.ffn_dim}});
    table.push_back({block + ".pos_embedding.embedding.weight", {c.num_buckets, c.num_heads}});
  }
  table.push_back({"norm.weight", {c.dim}});
  return table;
}

const Naming& TextEncoderNaming() {
  static const Naming naming{
      .network = "text encoder",
      .prefixes = {"text_encoders.", "text_encoder.", "conditioner.", "embedders.0.",
                   "cond_stage_model.", "umt5xxl.", "t5xxl.", "transformer.", "model.", "module.",
                   "net."},
      .own = {"text_encoders.", "text_encoder.", "conditioner.", "cond_stage_model."},
      .foreign = {"model.diffusion_model.", "diffusion_model.", "dit.", "unet.",
                  "first_stage_model.", "vae.", "decoder.", "lm_head.", "dec.", "output.",
                  "text_encoders.umt5xxl.logit_scale"},
      .extras = {"scaled_fp8", "spiece_model"},
      .rules = TextRules()};
  return naming;
}

bool LooksLikeTextEncoder(const NamedViews& views) {
  for (const char* name : {"blocks.0.pos_embedding.embedding.weight", "blocks.0.ffn.gate.0.weight",
                           "token_embedding.weight"}) {
    if (views.tensors.contains(name)) return true;
  }
  return false;
}

TextEncoderConfig ReadTextEncoderConfig(const NamedViews& views) {
  const auto size = [&](const char* name, size_t dim) {
    return SizeOf(views.tensors, name, dim, "text encoder");
  };
  TextEncoderConfig config;
  config.vocab_size = size("token_embedding.weight", 0);
  config.dim = size("token_embedding.weight", 1);
  config.ffn_dim = size("blocks.0.ffn.fc1.weight", 0);
  config.attention_dim = size("blocks.0.attn.q.weight", 0);
  config.num_buckets = size("blocks.0.pos_embedding.embedding.weight", 0);
  config.num_heads = size("blocks.0.pos_embedding.embedding.weight", 1);
  config.num_layers = CountIndexed(views.tensors, "blocks");
  T3_CHECK(config.attention_dim % config.num_heads == 0,
           "{}: attention width {} does not split into {} heads", views.path, config.attention_dim,
           config.num_heads);
  return config;
}

}  // namespace t3
