// What stays in memory by a plan, counted by what is loaded again.
#include "pipeline/run_networks.h"

#include <gtest/gtest.h>

#include <string>

namespace t3 {
namespace {

// A plan in which denoiser and decoder have 10 bytes of weights each, and 5 more at work, as the
// encoder of clips has in all.
RunMemory PlanWithin(int64_t budget) {
  RunMemory memory;
  memory.budget.device = budget;
  memory.device = {{.kind = StageKind::kVideoEncoder, .activations = 5},
                   {.kind = StageKind::kDenoiser, .weights = 10, .activations = 5},
                   {.kind = StageKind::kDecoder, .weights = 10, .activations = 5}};
  return memory;
}

class RunNetworksTest : public testing::Test {
 protected:
  RunNetworksTest()
      : model_(OpenModel({.model = std::string(T3_SOURCE_DIR) + "/tests/data/reference/mini2.1"})) {
  }

  // Uses both networks of `networks`; returns which were loaded for it: "denoiser", "decoder".
  std::string LoadedBy(RunNetworks& networks) {
    loaded_.clear();
    networks.Denoiser({model_, BlockWeights::kOnDevice, /*also_bf16=*/false, /*scratch_bytes=*/0});
    networks.Decoder();
    return loaded_;
  }

  std::string loaded_;
  ModelInfo model_;
  const RunSettings settings_;
  const ProgressFn progress_ = [this](const ProgressEvent& event) {
    if (event.done != 0) return;
    if (event.stage == "loading denoiser") loaded_ += "denoiser ";
    if (event.stage == "loading VAE") loaded_ += "decoder ";
  };
  const RunContext context_{progress_, nullptr, at::kCPU};
  const RunScope scope_{model_, settings_, context_, nullptr};
};

TEST_F(RunNetworksTest, StayWhereTheStageThatIsComingLeavesRoom) {
  RunNetworks networks(scope_, nullptr);
  EXPECT_EQ(LoadedBy(networks), "denoiser decoder ");
  const auto after = [&](auto make_room) {
    make_room();
    return LoadedBy(networks);
  };
  const RunMemory both = PlanWithin(25), one = PlanWithin(24);
  EXPECT_EQ(after([&] { networks.MakeRoomToDenoise(both); }), "");
  EXPECT_EQ(after([&] { networks.MakeRoomToDecode(both); }), "");
  EXPECT_EQ(after([&] { networks.MakeRoomToEncode(both, model_); }), "");
  EXPECT_EQ(after([&] { networks.MakeRoomToDenoise(one); }), "decoder ");
  EXPECT_EQ(after([&] { networks.MakeRoomToDecode(one); }), "denoiser ");
  EXPECT_EQ(after([&] { networks.MakeRoomToEncode(one, model_); }), "denoiser decoder ");
  const ModelInfo other = model_;
  EXPECT_EQ(after([&] { networks.MakeRoomToEncode(both, other); }), "denoiser ");
}

TEST_F(RunNetworksTest, TheLastDecodeHasAllMemoryUnlessAnotherRunFollows) {
  RunNetworks alone(scope_, nullptr);
  LoadedBy(alone);
  alone.MakeRoomToDecode(PlanWithin(25), /*last=*/true);
  EXPECT_EQ(LoadedBy(alone), "denoiser ");
  KeptNetworks kept;
  RunNetworks followed(scope_, &kept);
  LoadedBy(followed);
  followed.MakeRoomToDecode(PlanWithin(25), /*last=*/true);
  EXPECT_EQ(LoadedBy(followed), "");
}

TEST_F(RunNetworksTest, ARunTakesOverWhatTheLastOneKept) {
  KeptNetworks kept;
  const auto run = [&](const RunMemory& memory) {
    RunNetworks networks(scope_, &kept);
    networks.TakeKept(memory);
    std::string loaded = LoadedBy(networks);
    networks.Keep(memory);
    return loaded;
  };
  EXPECT_EQ(run(PlanWithin(25)), "denoiser decoder ");
  EXPECT_EQ(kept.bytes, 20);
  EXPECT_EQ(run(PlanWithin(25)), "");
  EXPECT_EQ(run(PlanWithin(24)), "denoiser decoder ");  // neither fits beside the other at work
  EXPECT_EQ(kept.bytes, 10);                            // what is not kept is not counted
  RunMemory text = PlanWithin(25);
  text.device.insert(text.device.begin(), {.kind = StageKind::kTextEncoder, .activations = 20});
  EXPECT_EQ(run(text), "denoiser decoder ");
}

}  // namespace
}  // namespace t3
