// Tensor table of the denoiser, and reading its sizes.
#include "arch/dit.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "arch/dit_variants.h"
#include "base/check.h"

namespace t3 {
namespace {

// The layers of a block that see every token at every step. Keys and values of the text are
// computed once for a video and stay in bf16, as do embeddings, modulation and the head, whose
// products are small and whose errors reach every token.
constexpr std::string_view kFp8Layers[] = {
    ".self_attn.q.weight",  ".self_attn.k.weight",  ".self_attn.v.weight", ".self_attn.o.weight",
    ".cross_attn.q.weight", ".cross_attn.o.weight", ".ffn.0.weight",       ".ffn.2.weight"};

void AddLinear(TensorTable* table, const std::string& name, int64_t out, int64_t in) {
  table->push_back({name + ".weight", {out, in}});
  table->push_back({name + ".bias", {out}});
}

void AddAttention(TensorTable* table, const std::string& name, int64_t dim) {
  for (const char* part : {".q", ".k", ".v", ".o"}) AddLinear(table, name + part, dim, dim);
  table->push_back({name + ".norm_q.weight", {dim}});
  table->push_back({name + ".norm_k.weight", {dim}});
}

void AddBlock(TensorTable* table, const std::string& name, const DitConfig& c) {
  table->push_back({name + ".modulation", {1, 6, c.dim}});
  AddAttention(table, name + ".self_attn", c.dim);
  table->push_back({name + ".norm3.weight", {c.dim}});
  table->push_back({name + ".norm3.bias", {c.dim}});
  AddAttention(table, name + ".cross_attn", c.dim);
  AddLinear(table, name + ".ffn.0", c.ffn_dim, c.dim);
  AddLinear(table, name + ".ffn.2", c.dim, c.ffn_dim);
}

void MarkFloatTensors(TensorTable* table) {
  for (TensorSpec& spec : *table) spec.fp32 = IsFloatTensor(spec.name);
}

std::optional<double> NumberIn(const nlohmann::json* config, const char* key) {
  if (config == nullptr || !config->is_object()) return std::nullopt;
  const auto found = config->find(key);
  if (found == config->end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

std::optional<double> NumberIn(const Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return std::nullopt;
  double value = 0;
  const char* end = found->second.data() + found->second.size();
  const auto parsed = std::from_chars(found->second.data(), end, value);
  T3_CHECK(parsed.ec == std::errc() && parsed.ptr == end, "metadata {} is '{}', wanted a number",
           key, found->second);
  return value;
}

// The first that is present: `key` in the config, `diffusers_key` in it, metadata t3.`key`.
double Setting(const NamedViews& views, const nlohmann::json* config, const char* key,
               const char* diffusers_key, double otherwise) {
  if (auto value = NumberIn(config, key)) return *value;
  if (auto value = NumberIn(config, diffusers_key)) return *value;
  return NumberIn(views.metadata, (std::string("t3.") + key).c_str()).value_or(otherwise);
}

// A setting that counts something; anything else is an Error.
int64_t WholeNumber(double value, const char* key, const std::string& path) {
  T3_CHECK(value >= 1 && value < 1e6 && value == std::floor(value),
           "{}: {} is {}, wanted a positive whole number", path, key, value);
  return static_cast<int64_t>(value);
}

void CheckAgainst(const nlohmann::json* config, const char* key, int64_t size, const char* source) {
  const auto value = NumberIn(config, key);
  T3_CHECK(!value || *value == static_cast<double>(size),
           "config.json says {} is {}, but {} says {}; they do not belong together", key,
           value.value_or(0), source, size);
}

int64_t ReadHeads(const NamedViews& views, const nlohmann::json* config, int64_t dim) {
  const double heads =
      Setting(views, config, "num_heads", "num_attention_heads", static_cast<double>(dim) / 128);
  const int64_t given =
      heads >= 1 && heads == std::floor(heads) && heads <= 1e6 ? static_cast<int64_t>(heads) : 0;
  T3_CHECK(given > 0 && dim % given == 0,
           "{}: width {} does not split into {} heads; give the model's config.json with its "
           "num_heads",
           views.path, dim, heads);
  CheckAgainst(config, "attention_head_dim", dim / given, "the heads and the width");
  T3_CHECK(dim / given % 2 == 0 && dim / given >= 6,
           "{}: {} heads of {} channels: RoPE needs an even number of at least 6", views.path,
           given, dim / given);
  return given;
}

}  // namespace

bool IsFloatTensor(std::string_view name) {
  return name.starts_with("patch_embedding.") || name.starts_with("time_") ||
         name.starts_with("head.") || name.ends_with(".modulation") ||
         name.find(".norm") != std::string_view::npos;
}

bool IsFp8Weight(std::string_view name) {
  return name.starts_with("blocks.") &&
         std::ranges::any_of(kFp8Layers,
                             [&](std::string_view layer) { return name.ends_with(layer); });
}

int64_t DitWeightBytes(const TensorTable& table, int64_t element_bytes, bool fp8) {
  return WeightBytes(table, element_bytes) -
         (fp8 ? CodesSaving(table, element_bytes, IsFp8Weight) : 0);
}

TensorTable DitBlockTensors(const DitConfig& config) {
  TensorTable table;
  AddBlock(&table, "blocks.0", config);
  MarkFloatTensors(&table);
  return table;
}

TensorTable DitTensors(const DitConfig& config) {
  TensorTable table;
  table.push_back({"patch_embedding.weight", {config.dim, config.latent_channels, 1, 2, 2}});
  table.push_back({"patch_embedding.bias", {config.dim}});
  AddLinear(&table, "text_embedding.0", config.dim, config.text_dim);
  AddLinear(&table, "text_embedding.2", config.dim, config.dim);
  AddLinear(&table, "time_embedding.0", config.dim, config.freq_dim);
  AddLinear(&table, "time_embedding.2", config.dim, config.dim);
  AddLinear(&table, "time_projection.1", 6 * config.dim, config.dim);
  for (int64_t i = 0; i < config.num_layers; ++i) {
    AddBlock(&table, fmt::format("blocks.{}", i), config);
  }
  AddLinear(&table, "head.head", 4 * config.latent_channels, config.dim);
  table.push_back({"head.modulation", {1, 2, config.dim}});
  MarkFloatTensors(&table);
  return table;
}

DitConfig ReadDitConfig(const NamedViews& views, const nlohmann::json* config) {
  RefuseOtherDits(views, config);
  const auto size = [&](const char* name, size_t dim) {
    return SizeOf(views.tensors, name, dim, "DiT");
  };
  DitConfig result;
  result.dim = size("patch_embedding.weight", 0);
  result.latent_channels = size("patch_embedding.weight", 1);
  result.ffn_dim = size("blocks.0.ffn.0.weight", 0);
  result.text_dim = size("text_embedding.0.weight", 1);
  result.freq_dim = size("time_embedding.0.weight", 1);
  // The file says how many layers are there, the config how many there should be.
  result.num_layers =
      WholeNumber(NumberIn(config, "num_layers")
                      .value_or(static_cast<double>(CountIndexed(views.tensors, "blocks"))),
                  "num_layers", views.path);
  result.num_heads = ReadHeads(views, config, result.dim);
  result.text_len =
      WholeNumber(Setting(views, config, "text_len", "text_len", 512), "text_len", views.path);
  result.eps = Setting(views, config, "eps", "eps", 1e-6);
  CheckAgainst(config, "dim", result.dim, "patch_embedding.weight");
  CheckAgainst(config, "ffn_dim", result.ffn_dim, "blocks.0.ffn.0.weight");
  CheckAgainst(config, "in_dim", result.latent_channels, "patch_embedding.weight");
  CheckAgainst(config, "in_channels", result.latent_channels, "patch_embedding.weight");
  CheckAgainst(config, "text_dim", result.text_dim, "text_embedding.0.weight");
  T3_CHECK(result.num_layers < 10000, "{}: {} layers", views.path, result.num_layers);
  T3_CHECK(result.eps > 0 && result.eps < 1, "{}: eps is {}", views.path, result.eps);
  return result;
}

Metadata DitMetadata(const DitConfig& config) {
  return {{"t3.num_heads", std::to_string(config.num_heads)},
          {"t3.text_len", std::to_string(config.text_len)},
          {"t3.eps", fmt::format("{}", config.eps)}};
}

}  // namespace t3
