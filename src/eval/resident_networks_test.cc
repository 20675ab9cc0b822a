// Which networks stay, by sizes alone.
#include "eval/resident_networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace t3 {
namespace {

using testing::ElementsAre;

class ResidentNetworksTest : public ::testing::Test {
 protected:
  struct Named {
    std::string name;
    int* alive;
    Named(std::string n, int* count) : name(std::move(n)), alive(count) { ++*alive; }
    Named(const Named&) = delete;
    Named& operator=(const Named&) = delete;
    ~Named() { --*alive; }
  };

  void Use(ResidentNetworks& networks, const std::string& key, const NetworkNeed& need) {
    const Named& used = networks.Use<Named>(key, need, [&] {
      loads_.push_back(key);
      return std::make_unique<Named>(key, &alive_);
    });
    EXPECT_EQ(used.name, key);
  }

  std::vector<std::string> loads_;
  int alive_ = 0;
};

TEST_F(ResidentNetworksTest, AllStayWhereTheyFit) {
  ResidentNetworks networks({.device = 100}, at::kCPU);
  for (int round = 0; round < 2; ++round) {
    Use(networks, "draft", {.weights = 30, .at_work = 60});
    Use(networks, "decoder", {.weights = 10, .at_work = 40});
    Use(networks, "refiner", {.weights = 30, .at_work = 60});  // 40 beside 60
  }
  EXPECT_THAT(loads_, ElementsAre("draft", "decoder", "refiner"));
  EXPECT_EQ(alive_, 3);
}

TEST_F(ResidentNetworksTest, TheOneUsedLongestAgoLeavesFirst) {
  ResidentNetworks networks({.device = 99}, at::kCPU);
  Use(networks, "draft", {.weights = 30, .at_work = 60});
  Use(networks, "decoder", {.weights = 10, .at_work = 40});
  Use(networks, "refiner", {.weights = 30, .at_work = 60});  // 40 beside 60: the draft's leaves
  EXPECT_EQ(alive_, 2);
  Use(networks, "decoder", {.weights = 10, .at_work = 40});
  Use(networks, "draft", {.weights = 30, .at_work = 60});  // the refiner, not the decoder
  Use(networks, "decoder", {.weights = 10, .at_work = 40});
  EXPECT_THAT(loads_, ElementsAre("draft", "decoder", "refiner", "draft"));
}

TEST_F(ResidentNetworksTest, OneAloneWorksWhateverItTakes) {
  ResidentNetworks networks({.device = 50}, at::kCPU);
  Use(networks, "a", {.weights = 10, .at_work = 20});
  Use(networks, "b", {.weights = 30, .at_work = 60});
  EXPECT_EQ(alive_, 1);
  EXPECT_THAT(loads_, ElementsAre("a", "b"));
}

TEST_F(ResidentNetworksTest, StreamedWeightsCountOnTheHost) {
  ResidentNetworks networks({.device = 100, .host = 50}, at::kCPU);
  Use(networks, "draft", {.weights = 1, .at_work = 10, .host_weights = 30});
  Use(networks, "refiner", {.weights = 1, .at_work = 10, .host_weights = 30});
  EXPECT_EQ(alive_, 1);
  Use(networks, "decoder", {.weights = 1, .at_work = 10});
  EXPECT_EQ(alive_, 2);
}

TEST_F(ResidentNetworksTest, NoLimitAndTheTimeOfLoading) {
  ResidentNetworks networks({}, at::kCPU);
  Use(networks, "a", {.weights = 1LL << 60, .at_work = 1LL << 61});
  Use(networks, "b", {.weights = 1LL << 60, .at_work = 1LL << 61});
  const double seconds = networks.loading_seconds();
  EXPECT_GT(seconds, 0);
  Use(networks, "a", {.weights = 1LL << 60, .at_work = 1LL << 61});
  EXPECT_EQ(networks.loading_seconds(), seconds);
  EXPECT_EQ(alive_, 2);
}

}  // namespace
}  // namespace t3
