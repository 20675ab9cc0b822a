// The layers of DOVER in the order of its file.
#include "arch/dover.h"

#include <fmt/format.h>

#include "base/check.h"

namespace t3 {
namespace {

constexpr int64_t kMlpFactor = 4;
const std::string kTechnical = "technical_backbone.";
const std::string kAesthetic = "aesthetic_backbone.";

// Of a layer or a norm; a norm's weight has one dimension.
void AddWithBias(TensorTable* table, const std::string& name, std::vector<int64_t> shape) {
  const int64_t out = shape[0];
  table->push_back({name + ".weight", std::move(shape)});
  table->push_back({name + ".bias", {out}});
}

// Relative positions inside a window.
constexpr int64_t Offsets() {
  int64_t offsets = 1;
  for (const int64_t size : kDoverWindow) offsets *= 2 * size - 1;
  return offsets;
}

void AddSwinBlock(TensorTable* table, const std::string& block, int64_t dim, int64_t heads,
                  bool fragments) {
  AddWithBias(table, block + "norm1", {dim});
  table->push_back({block + "attn.relative_position_bias_table", {Offsets(), heads}});
  if (fragments) {
    table->push_back({block + "attn.fragment_position_bias_table", {Offsets(), heads}});
  }
  AddWithBias(table, block + "attn.qkv", {3 * dim, dim});
  AddWithBias(table, block + "attn.proj", {dim, dim});
  AddWithBias(table, block + "norm2", {dim});
  AddWithBias(table, block + "mlp.fc1", {kMlpFactor * dim, dim});
  AddWithBias(table, block + "mlp.fc2", {dim, kMlpFactor * dim});
}

void AddSwin(TensorTable* table, const DoverConfig& c) {
  AddWithBias(table, kTechnical + "patch_embed.proj",
              {c.swin_dim, 3, kDoverPatch[0], kDoverPatch[1], kDoverPatch[2]});
  AddWithBias(table, kTechnical + "patch_embed.norm", {c.swin_dim});
  for (size_t stage = 0; stage < kDoverStages; ++stage) {
    const std::string layer = fmt::format("{}layers.{}.", kTechnical, stage);
    const int64_t dim = c.swin_width(stage);
    for (int64_t i = 0; i < c.swin_depths[stage]; ++i) {
      AddSwinBlock(table, fmt::format("{}blocks.{}.", layer, i), dim, c.swin_heads[stage],
                   stage < kDoverFragmentStages);
    }
    if (stage + 1 == kDoverStages) continue;
    table->push_back({layer + "downsample.reduction.weight", {2 * dim, 4 * dim}});
    AddWithBias(table, layer + "downsample.norm", {4 * dim});
  }
  AddWithBias(table, kTechnical + "norm", {c.swin_width(kDoverStages - 1)});
}

void AddConvBlock(TensorTable* table, const std::string& block, int64_t dim, int64_t frames) {
  table->push_back({block + "gamma", {dim}});
  AddWithBias(table, block + "dwconv", {dim, 1, frames, kDoverKernel, kDoverKernel});
  AddWithBias(table, block + "norm", {dim});
  AddWithBias(table, block + "pwconv1", {kMlpFactor * dim, dim});
  AddWithBias(table, block + "pwconv2", {dim, kMlpFactor * dim});
}

void AddConvNext(TensorTable* table, const DoverConfig& c) {
  for (size_t stage = 0; stage < kDoverStages; ++stage) {
    const std::string down = fmt::format("{}downsample_layers.{}.", kAesthetic, stage);
    const int64_t dim = c.conv_dims[stage];
    if (stage == 0) {
      AddWithBias(table, down + "0", {dim, 3, kDoverPatch[0], kDoverPatch[1], kDoverPatch[2]});
      AddWithBias(table, down + "1", {dim});
    } else {
      AddWithBias(table, down + "0", {c.conv_dims[stage - 1]});
      AddWithBias(table, down + "1", {dim, c.conv_dims[stage - 1], 1, 2, 2});
    }
    for (int64_t i = 0; i < c.conv_depths[stage]; ++i) {
      AddConvBlock(table, fmt::format("{}stages.{}.{}.", kAesthetic, stage, i), dim,
                   DoverKernelFrames(i));
    }
  }
  AddWithBias(table, kAesthetic + "norm", {c.conv_dims.back()});
}

void AddScoreHead(TensorTable* table, const std::string& head, int64_t in, int64_t hidden) {
  AddWithBias(table, head + ".fc_hid", {hidden, in, 1, 1, 1});
  AddWithBias(table, head + ".fc_last", {1, hidden, 1, 1, 1});
}

// Indices into the tables of biases, which the file keeps as tensors and t3 computes.
std::vector<std::string> StoredIndices() {
  constexpr int kMaxBlocks = 32;
  std::vector<std::string> names;
  for (size_t stage = 0; stage < kDoverStages; ++stage) {
    for (int i = 0; i < kMaxBlocks; ++i) {
      names.push_back(
          fmt::format("{}layers.{}.blocks.{}.attn.relative_position_index", kTechnical, stage, i));
    }
  }
  return names;
}

}  // namespace

TensorTable DoverTensors(const DoverConfig& config) {
  TensorTable table;
  AddSwin(&table, config);
  AddScoreHead(&table, "technical_head", config.swin_width(kDoverStages - 1), config.head_width);
  AddConvNext(&table, config);
  AddScoreHead(&table, "aesthetic_head", config.conv_dims.back(), config.head_width);
  return table;
}

const Naming& DoverNaming() {
  static const Naming naming{
      .network = "DOVER", .prefixes = {}, .foreign = {}, .extras = StoredIndices(), .rules = {}};
  return naming;
}

DoverConfig ReadDoverConfig(const NamedViews& views) {
  const TensorViews& tensors = views.tensors;
  T3_CHECK(tensors.contains(kTechnical + "layers.0.blocks.0.attn.fragment_position_bias_table") &&
               tensors.contains(kAesthetic + "stages.0.0.gamma"),
           "{} does not hold DOVER; wanted DOVER.pth of VQAssessment/DOVER (DOVER-Mobile has other "
           "networks)",
           views.path);
  const auto size = [&](const std::string& name, size_t dim) {
    return SizeOf(tensors, name, dim, "DOVER");
  };
  DoverConfig config;
  config.swin_dim = size(kTechnical + "patch_embed.norm.weight", 0);
  for (size_t stage = 0; stage < kDoverStages; ++stage) {
    const std::string layer = fmt::format("{}layers.{}.blocks", kTechnical, stage);
    config.swin_depths[stage] = CountIndexed(tensors, layer);
    config.swin_heads[stage] = size(layer + ".0.attn.relative_position_bias_table", 1);
    T3_CHECK(config.swin_width(stage) % config.swin_heads[stage] == 0,
             "{}: stage {} of the technical branch is {} wide, which does not split into {} heads",
             views.path, stage, config.swin_width(stage), config.swin_heads[stage]);
    const std::string convolutions = fmt::format("{}stages.{}", kAesthetic, stage);
    config.conv_depths[stage] = CountIndexed(tensors, convolutions);
    config.conv_dims[stage] = size(convolutions + ".0.gamma", 0);
  }
  config.head_width = size("technical_head.fc_hid.weight", 0);
  return config;
}

}  // namespace t3
