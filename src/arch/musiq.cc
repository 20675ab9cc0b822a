// The layers of MUSIQ in the order of its file.
#include "arch/musiq.h"

#include <fmt/format.h>

#include "base/check.h"

namespace t3 {
namespace {

const std::string kEncoder = "transformer_encoder.";

void AddMusiqLayer(TensorTable* table, const std::string& name, int64_t out, int64_t in) {
  table->push_back({name + ".weight", {out, in}});
  table->push_back({name + ".bias", {out}});
}

void AddMusiqNorm(TensorTable* table, const std::string& name, int64_t width) {
  table->push_back({name + ".weight", {width}});
  table->push_back({name + ".bias", {width}});
}

void AddStem(TensorTable* table) {
  const auto conv = [&](const char* name, int64_t out, int64_t in, int64_t kernel) {
    table->push_back({std::string(name) + ".weight", {out, in, kernel, kernel}});
  };
  conv("conv_root", kMusiqStem, 3, 7);
  AddMusiqNorm(table, "gn_root", kMusiqStem);
  conv("block1.conv1", kMusiqStem, kMusiqStem, 1);
  AddMusiqNorm(table, "block1.gn1", kMusiqStem);
  conv("block1.conv2", kMusiqStem, kMusiqStem, 3);
  AddMusiqNorm(table, "block1.gn2", kMusiqStem);
  conv("block1.conv3", kMusiqToken, kMusiqStem, 1);
  AddMusiqNorm(table, "block1.gn3", kMusiqToken);
  conv("block1.conv_proj", kMusiqToken, kMusiqStem, 1);
  AddMusiqNorm(table, "block1.gn_proj", kMusiqToken);
}

void AddBlock(TensorTable* table, const std::string& block, const MusiqConfig& c) {
  AddMusiqNorm(table, block + "norm1", c.width);
  for (const char* part : {"query", "key", "value", "out"}) {
    AddMusiqLayer(table, block + "attention." + part, c.width, c.width);
  }
  AddMusiqNorm(table, block + "norm2", c.width);
  AddMusiqLayer(table, block + "mlp.fc1", c.ffn_dim, c.width);
  AddMusiqLayer(table, block + "mlp.fc2", c.width, c.ffn_dim);
}

// Blocks are "encoderblock_N": the number stands in a name, not between dots.
int64_t CountBlocks(const TensorViews& tensors) {
  int64_t count = 0;
  while (tensors.contains(
      fmt::format("{}transformer.encoderblock_{}.norm1.weight", kEncoder, count))) {
    ++count;
  }
  return count;
}

// The side of the square of `area`; throws Error where there is none.
int64_t SquareSide(const NamedViews& views, int64_t area, const char* what) {
  int64_t side = 0;
  while ((side + 1) * (side + 1) <= area) ++side;
  T3_CHECK(side > 0 && side * side == area, "{}: MUSIQ has {} {}; wanted a square number",
           views.path, area, what);
  return side;
}

}  // namespace

const char* MusiqHead(const MusiqConfig& config) { return config.classes > 1 ? "head.0" : "head"; }

TensorTable MusiqTensors(const MusiqConfig& c) {
  const int64_t side = c.patch / kMusiqReduction;
  TensorTable table;
  AddStem(&table);
  AddMusiqLayer(&table, "embedding", c.width, kMusiqToken * side * side);
  table.push_back({kEncoder + "posembed_input.position_emb", {1, c.grid * c.grid, c.width}});
  table.push_back({kEncoder + "scaleembed_input.scale_emb", {c.scales, c.width}});
  table.push_back({kEncoder + "cls", {1, 1, c.width}});
  AddMusiqNorm(&table, kEncoder + "encoder_norm", c.width);
  for (int64_t i = 0; i < c.layers; ++i) {
    AddBlock(&table, fmt::format("{}transformer.encoderblock_{}.", kEncoder, i), c);
  }
  AddMusiqLayer(&table, MusiqHead(c), c.classes, c.width);
  return table;
}

const Naming& MusiqNaming() {
  static const Naming naming{
      .network = "MUSIQ", .prefixes = {}, .foreign = {}, .extras = {}, .rules = {}};
  return naming;
}

MusiqConfig ReadMusiqConfig(const NamedViews& views) {
  const TensorViews& tensors = views.tensors;
  const std::string positions = kEncoder + "posembed_input.position_emb";
  T3_CHECK(tensors.contains("conv_root.weight") && tensors.contains(positions),
           "{} does not hold MUSIQ; wanted a file of pyiqa such as "
           "musiq_koniq_ckpt-e95806b9.pth",
           views.path);
  const auto size = [&](const std::string& name, size_t dim) {
    return SizeOf(tensors, name, dim, "MUSIQ");
  };
  MusiqConfig config;
  config.width = size("embedding.weight", 0);
  T3_CHECK(config.width % MusiqConfig::kHeadWidth == 0,
           "{}: MUSIQ is {} wide; wanted a multiple of {}", views.path, config.width,
           MusiqConfig::kHeadWidth);
  const int64_t values = size("embedding.weight", 1);
  T3_CHECK(values % kMusiqToken == 0, "{}: MUSIQ embeds {} values; wanted a multiple of {}",
           views.path, values, kMusiqToken);
  config.patch =
      kMusiqReduction * SquareSide(views, values / kMusiqToken, "values of a channel in a patch");
  config.grid = SquareSide(views, size(positions, 1), "positions");
  config.scales = size(kEncoder + "scaleembed_input.scale_emb", 0);
  config.layers = CountBlocks(tensors);
  config.ffn_dim = size(kEncoder + "transformer.encoderblock_0.mlp.fc1.weight", 0);
  config.classes = tensors.contains("head.0.weight") ? size("head.0.weight", 0) : 1;
  T3_CHECK(config.scales == std::ssize(config.longer_sides) + 1,
           "{}: MUSIQ has {} scales; wanted {}", views.path, config.scales,
           config.longer_sides.size() + 1);
  return config;
}

}  // namespace t3
