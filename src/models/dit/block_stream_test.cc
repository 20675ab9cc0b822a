// Blocks that pass through two buffers: each is whole when it is used, in any order, and is not
// overwritten while work still reads it.
#include "models/dit/block_stream.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "arch/dit.h"
#include "base/check.h"
#include "config/presets.h"
#include "models/dit/host_weights.h"

namespace t3 {
namespace {

const at::Device kStreamDevice(T3_TEST_DEVICE);

// Block i holds i + 1 in every byte.
std::vector<at::Tensor> NumberedBlocks(int64_t count, int64_t bytes) {
  const auto options = at::TensorOptions(at::kByte).pinned_memory(kStreamDevice.is_cuda());
  std::vector<at::Tensor> blocks;
  for (int64_t i = 0; i < count; ++i) blocks.push_back(at::full({bytes}, i + 1, options));
  return blocks;
}

TEST(BlockStream, HoldsTheBlockThatIsUsed) {
  for (const int64_t count : {1, 2, 3, 5}) {
    BlockStream stream(NumberedBlocks(count, 1000), kStreamDevice);
    const auto expect = [&](int64_t block) {
      EXPECT_TRUE((stream.buffer(stream.Use(block)) == block + 1).all().item<bool>())
          << block << " of " << count;
    };
    for (int64_t i = 0; i < 3 * count; ++i) expect(i % count);
    for (const int64_t block : {4, 4, 0, 3, 2, 1, 0, 4}) expect(block % count);
    EXPECT_THROW(stream.Use(count), Error);
    EXPECT_THROW(stream.Use(-1), Error);
  }
}

// In order no block is brought twice, and the first of the next round follows the last.
TEST(BlockStream, BringsEachBlockOnceARound) {
  constexpr int64_t kBlocks = 7, kRounds = 4;
  BlockStream stream(NumberedBlocks(kBlocks, 64), kStreamDevice);
  for (int64_t i = 0; i < kRounds * kBlocks; ++i) stream.Use(i % kBlocks);
  EXPECT_EQ(stream.copies(), kRounds * kBlocks + 1);  // one ahead
}

// Long work on a block, given to the device without waiting: copies must wait for it, and it for
// them. A buffer that is overwritten early, or read early, shows in a sum.
TEST(BlockStream, WorkSeesItsOwnBlockOnly) {
  const int64_t bytes = kStreamDevice.is_cuda() ? int64_t{64} << 20 : int64_t{1} << 16;
  constexpr int64_t kBlocks = 5, kRounds = 6;
  BlockStream stream(NumberedBlocks(kBlocks, bytes), kStreamDevice);
  std::vector<at::Tensor> sums;
  for (int64_t i = 0; i < kRounds * kBlocks; ++i) {
    const at::Tensor& buffer = stream.buffer(stream.Use(i % kBlocks));
    for (int repeat = 0; repeat < 4; ++repeat) sums.push_back(buffer.sum(at::kLong));
  }
  for (size_t i = 0; i < sums.size(); ++i) {
    EXPECT_EQ(sums[i].item<int64_t>(), (static_cast<int64_t>(i) / 4 % kBlocks + 1) * bytes) << i;
  }
}

TEST(BlockStream, RefusesBlocksThatItCannotCopy) {
  EXPECT_THROW(BlockStream({}, kStreamDevice), Error);
  EXPECT_THROW(BlockStream({at::zeros({8}, at::kByte), at::zeros({9}, at::kByte)}, kStreamDevice),
               Error);
  EXPECT_THROW(BlockStream({at::zeros({8}, at::kFloat)}, kStreamDevice), Error);
}

TEST(HostWeights, AreConvertedAsTheyAreCopied) {
  DitConfig config = FindPreset("wan2.1-1.3b").dit;
  config.dim = 16;
  config.ffn_dim = 24;
  config.num_layers = 2;
  const HostWeights host(config, at::kBFloat16, /*pinned=*/false);
  for (const TensorSpec& spec : DitBlockTensors(config)) {
    host.Place(spec.name).copy_(at::randn(spec.shape));
  }
  const BlockLayout wide(config, at::kFloat);
  const at::Tensor buffer = at::zeros({wide.bytes()}, at::kByte);
  host.CopyInto(wide)(buffer, host.blocks().front());
  for (const auto& [name, tensor] : wide.Views(buffer, "blocks.0")) {
    EXPECT_EQ(tensor.scalar_type(), at::kFloat) << name;
    EXPECT_TRUE(at::equal(tensor, host.Place(name).to(at::kFloat))) << name;
  }
}

TEST(HostWeights, LayOutBlocksWithoutOverlapAsThePlanCounts) {
  DitConfig config = FindPreset("wan2.1-1.3b").dit;
  config.num_layers = 3;
  for (const bool fp8 : {false, true}) {
    const int64_t counted = DitWeightBytes(DitBlockTensors(config), 2, fp8);
    const int64_t bytes = BlockLayout(config, at::kBFloat16, fp8).bytes();
    EXPECT_GE(bytes, counted);
    EXPECT_LE(bytes, counted + 40 * 256);  // alignment of each tensor
  }
  const BlockLayout layout(config, at::kBFloat16);
  const at::Tensor memory = at::zeros({layout.bytes()}, at::kByte);
  TensorMap views = layout.Views(memory, "blocks.4");
  int64_t elements = 0;
  for (auto& [name, view] : views) {
    EXPECT_TRUE(name.starts_with("blocks.4.")) << name;
    elements += view.numel();
    view.add_(1);  // twice where two overlap
  }
  for (const auto& [name, view] : views) EXPECT_TRUE((view == 1).all().item<bool>()) << name;
  EXPECT_EQ(elements, ParameterCount(DitBlockTensors(config)));
}

}  // namespace
}  // namespace t3
