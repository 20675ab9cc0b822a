// The work that docs/model.md states for 4K, and pair counts against the partitions.
#include "plan/cost.h"

#include <gtest/gtest.h>

#include <random>

#include "config/presets.h"
#include "plan/geometry.h"
#include "plan/partition.h"

namespace t3 {
namespace {

constexpr double kTera = 1e12;

DitCost CostAt4K(const char* preset) {
  const ModelPreset& model = FindPreset(preset);
  const WindowTable& table = PublishedWindows(FamilyOf(model.dit.latent_channels));
  return CostOfForward(model.dit, AttentionPattern::kT3, table.cycle, table.grid);
}

TEST(Cost, OfForwardsIsAsPublished) {
  const DitCost small = CostAt4K("wan2.1-1.3b");
  EXPECT_NEAR(small.attention / kTera, 594.5, 0.05);
  EXPECT_NEAR(small.attention_uncombined / kTera, 1006.8, 0.05);
  EXPECT_NEAR(small.full_attention / kTera, 43299, 0.5);
  EXPECT_NEAR(small.linears / kTera, 857.2, 0.05);
  EXPECT_NEAR(small.cross_attention / kTera, 32.3, 0.05);
  EXPECT_NEAR(2 * small.total() / 1e15, 2.968, 0.0005);

  const DitCost large = CostAt4K("wan2.2-5b");
  EXPECT_NEAR(large.attention / kTera, 100.8, 0.05);
  EXPECT_NEAR(large.attention_uncombined / kTera, 152.4, 0.05);
  EXPECT_NEAR(large.full_attention / kTera, 5412, 0.5);
  EXPECT_NEAR(large.linears / kTera, 744.2, 0.2);
  EXPECT_NEAR(large.cross_attention / kTera, 16.2, 0.05);
  EXPECT_NEAR(2 * large.total() / 1e15, 1.722, 0.0005);
}

TEST(Cost, OfDecodesIsAsPublished) {
  const auto petaflop = [](const char* preset) {
    const VaeConfig& vae = FindPreset(preset).vae;
    return 2 * CostOfDecode(vae, PlanVideo(3840, 2176, 81, vae).latent) / 1e15;
  };
  EXPECT_NEAR(petaflop("wan2.1-1.3b"), 6.29, 0.02 * 6.29);
  EXPECT_NEAR(petaflop("wan2.2-5b"), 12.58, 0.02 * 12.58);
}

TEST(Cost, OfDecodesWithTaehvIsAsPublished) {
  const auto petaflop = [](const TaehvConfig& config) {
    const int64_t stride = config.spatial_stride();
    return 2 * CostOfDecode(config, {21, 2176 / stride, 3840 / stride}) / 1e15;
  };
  TaehvConfig taew22{.latent_channels = 48, .patch = 2};
  EXPECT_NEAR(petaflop({}), 0.24, 0.005);
  EXPECT_NEAR(petaflop(taew22), 0.06, 0.005);
  taew22.blocks = TaehvBlocks::kSuper;
  taew22.widths = {512, 256, 128};
  EXPECT_NEAR(petaflop(taew22), 0.085, 0.003);
}

double PairsOf(const Partition& partition) {
  double pairs = 0;
  for (const WindowGroup& group : partition.groups) {
    pairs += static_cast<double>(group.count * group.length * group.length);
  }
  return pairs;
}

TEST(Cost, PairsAreThoseOfThePartitions) {
  std::mt19937 random(1);
  const auto draw = [&](int64_t most) {
    return 1 + static_cast<int64_t>(random() % static_cast<uint64_t>(most));
  };
  for (int i = 0; i < 500; ++i) {
    const Grid grid{draw(8), draw(12), draw(12)};
    const WindowCounts counts{draw(grid.t), draw(grid.h), draw(grid.w)};
    ASSERT_EQ(WindowPairs(grid, counts), PairsOf(ClosePartition(grid, counts)));
    ASSERT_EQ(WindowPairs(grid, counts), PairsOf(RemotePartition(grid, counts)));
    ASSERT_EQ(ShiftedWindowPairs(grid, counts), PairsOf(ShiftedPartition(grid, counts)));
  }
}

TEST(Cost, FollowsThePattern) {
  const DitConfig& config = FindPreset("wan2.1-1.3b").dit;
  const Grid grid{3, 4, 8};
  const WindowCycle cycle{{3, 1, 1}, {1, 2, 4}};
  for (const auto pattern :
       {AttentionPattern::kFull, AttentionPattern::kT3, AttentionPattern::kClose,
        AttentionPattern::kRemote, AttentionPattern::kSwin}) {
    double pairs = 0;
    for (int64_t layer = 0; layer < config.num_layers; ++layer) {
      for (const Partition& partition : LayerPartitions(pattern, cycle, grid, layer)) {
        pairs += PairsOf(partition);
      }
    }
    const DitCost cost = CostOfForward(config, pattern, cycle, grid);
    EXPECT_EQ(cost.attention, 2.0 * static_cast<double>(config.dim) * pairs)
        << AttentionName(pattern);
    EXPECT_GE(cost.attention_uncombined, cost.attention);
    EXPECT_GE(cost.full_attention, cost.attention);
  }
}

}  // namespace
}  // namespace t3
