// The layers of TAEHV in the order of its files.
#include "arch/taehv.h"

#include <fmt/format.h>

#include <utility>

namespace t3 {
namespace {

// Of the decoder; the files' other indices are layers without tensors.
struct Indices {
  int64_t input;
  int64_t first_block;  // of stage 0
  int64_t conv, grow;   // relative to a stage's first block
  int64_t stage;        // from one stage to the next
};
constexpr Indices kPlainIndices{1, 3, 5, 4, 6};
constexpr Indices kSuperIndices{0, 1, 3, 6, 7};
constexpr int64_t kOutputIndex = 22;
constexpr std::array<int64_t, kTaehvStages> kTimeFactors{1, 2, 2};

constexpr int64_t kEncoderStages = 3;
constexpr std::array<int64_t, kEncoderStages> kPooledFrames{2, 2, 1};
constexpr int64_t kEncoderOutput = 17;

std::string Layer(const char* half, int64_t index) { return fmt::format("{}.{}", half, index); }

void AddWeight(TensorTable* table, const std::string& name, int64_t out, int64_t in,
               int64_t kernel) {
  table->push_back({name + ".weight", {out, in, kernel, kernel}});
}

void AddConv(TensorTable* table, const std::string& name, int64_t out, int64_t in, int64_t kernel) {
  AddWeight(table, name, out, in, kernel);
  table->push_back({name + ".bias", {out}});
}

// Takes a frame and the one before it: twice the channels.
void AddPlainBlock(TensorTable* table, const std::string& name, int64_t channels) {
  AddConv(table, name + ".conv.0", channels, 2 * channels, 3);
  AddConv(table, name + ".conv.2", channels, channels, 3);
  AddConv(table, name + ".conv.4", channels, channels, 3);
}

void AddSuperBlock(TensorTable* table, const std::string& name, int64_t channels) {
  AddWeight(table, name + ".conv.0", 2 * channels, 1, 7);
  AddConv(table, name + ".conv.1", 4 * channels, 2 * channels, 1);
  AddWeight(table, name + ".conv.3", channels, 4 * channels, 1);
}

TensorTable EncoderTensors(const TaehvConfig& config) {
  TensorTable table;
  const int64_t dim = config.encoder_dim;
  AddConv(&table, Layer("encoder", 0), dim, 3 * config.patch * config.patch, 3);
  int64_t index = 2;
  for (const int64_t frames : kPooledFrames) {
    AddWeight(&table, Layer("encoder", index) + ".conv", dim, frames * dim, 1);
    AddWeight(&table, Layer("encoder", index + 1), dim, dim, 3);
    for (int64_t block = 0; block < kTaehvBlocks; ++block) {
      AddPlainBlock(&table, Layer("encoder", index + 2 + block), dim);
    }
    index += 2 + kTaehvBlocks;
  }
  AddConv(&table, Layer("encoder", kEncoderOutput), config.latent_channels, dim, 3);
  return table;
}

}  // namespace

TaehvDecoder TaehvDecoderOf(const TaehvConfig& config) {
  const bool plain = config.blocks == TaehvBlocks::kPlain;
  const Indices& at = plain ? kPlainIndices : kSuperIndices;
  TaehvDecoder decoder{Layer("decoder", at.input), {}, Layer("decoder", kOutputIndex)};
  for (size_t i = 0; i < decoder.stages.size(); ++i) {
    TaehvStage& stage = decoder.stages[i];
    const int64_t first = at.first_block + at.stage * static_cast<int64_t>(i);
    stage.channels = config.widths[i];
    stage.out = i + 1 < config.widths.size() ? config.widths[i + 1] : config.last_width;
    stage.time_factor = kTimeFactors[i];
    for (size_t block = 0; block < stage.blocks.size(); ++block) {
      stage.blocks[block] = Layer("decoder", first + static_cast<int64_t>(block));
    }
    stage.conv = Layer("decoder", first + at.conv);
    stage.grow = Layer("decoder", first + at.grow) + ".conv";
    stage.grown = plain ? stage.channels : stage.out;
    stage.growth = config.stored_growth[i];
  }
  return decoder;
}

TensorTable TaehvDecoderTensors(const TaehvConfig& config) {
  const bool plain = config.blocks == TaehvBlocks::kPlain;
  const TaehvDecoder decoder = TaehvDecoderOf(config);
  TensorTable table;
  plain ? AddConv(&table, decoder.input, config.widths[0], config.latent_channels, 3)
        : AddWeight(&table, decoder.input, config.widths[0], config.latent_channels, 1);
  for (const TaehvStage& stage : decoder.stages) {
    for (const std::string& block : stage.blocks) {
      (plain ? AddPlainBlock : AddSuperBlock)(&table, block, stage.channels);
    }
    AddWeight(&table, stage.grow, stage.growth * stage.grown, stage.grown, 1);
    plain ? AddWeight(&table, stage.conv, stage.out, stage.channels, 3)
          : AddConv(&table, stage.conv, 4 * stage.out, stage.channels, 3);
  }
  AddConv(&table, decoder.output, 3 * config.patch * config.patch, config.last_width, 3);
  return table;
}

TensorTable TaehvTensors(const TaehvConfig& config) {
  TensorTable table;
  if (config.encoder_dim > 0) table = EncoderTensors(config);
  for (TensorSpec& spec : TaehvDecoderTensors(config)) table.push_back(std::move(spec));
  return table;
}

}  // namespace t3
