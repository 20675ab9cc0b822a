// Sums over the tables of tensors.
#include "arch/tensor_spec.h"

#include <gtest/gtest.h>

#include "arch/dit.h"
#include "arch/text_encoder.h"
#include "config/presets.h"

namespace t3 {
namespace {

TEST(TensorTables, ParameterCountsOfThePublishedModels) {
  EXPECT_EQ(ParameterCount(DitTensors(FindPreset("wan2.1-1.3b").dit)), 1'418'996'800);
  EXPECT_EQ(ParameterCount(DitTensors(FindPreset("wan2.2-5b").dit)), 4'999'787'712);
  EXPECT_EQ(ParameterCount(TextEncoderTensors(FindPreset("wan2.1-1.3b").text)), 5'680'910'336);
}

TEST(TensorTables, WeightBytesCountFp32TensorsAsFp32) {
  const TensorTable table{{"a", {3, 5}}, {"b", {7}, /*fp32=*/true}};
  EXPECT_EQ(WeightBytes(table, 2), 15 * 2 + 7 * 4);
  EXPECT_EQ(WeightBytes(table, 4), 22 * 4);
}

TEST(TensorTables, DitMarksTheTensorsThatStayFp32) {
  const DitConfig& config = FindPreset("wan2.1-1.3b").dit;
  int64_t floats = 0, block_bytes = 0;
  for (const TensorSpec& spec : DitTensors(config)) {
    EXPECT_EQ(spec.fp32, IsFloatTensor(spec.name)) << spec.name;
    if (spec.fp32) floats += spec.elements();
    if (spec.name.starts_with("blocks.3.")) block_bytes += spec.elements() * (spec.fp32 ? 4 : 2);
  }
  EXPECT_EQ(WeightBytes(DitBlockTensors(config), 2), block_bytes);
  // Modulation, norm3, and the norms of q and k of both attentions in every block; the time MLP,
  // the patch embedding and the head outside.
  const int64_t dim = config.dim, patch = 4 * config.latent_channels;
  const int64_t time = config.freq_dim * dim + dim + (dim + 1) * dim + (dim + 1) * 6 * dim;
  EXPECT_EQ(floats, config.num_layers * (6 + 2 + 4) * dim + (patch + 1) * dim + (dim + 1) * patch +
                        2 * dim + time);
}

}  // namespace
}  // namespace t3
