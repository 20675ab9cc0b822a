// Turns of keys, rates, pace and progress.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "serve/fair_queue.h"
#include "serve/pace.h"
#include "serve/progress_share.h"
#include "serve/rate_limit.h"

namespace t3::serve {
namespace {

std::vector<std::string> TakeAll(FairQueue& queue) {
  std::vector<std::string> ids;
  while (const auto id = queue.Take()) {
    ids.push_back(*id);
    queue.Done(id->substr(0, 1));  // of its key
  }
  return ids;
}

TEST(FairQueue, KeysTakeTurns) {
  FairQueue queue;
  for (const char* id : {"a1", "a2", "a3", "a4"}) queue.Push("a", id);
  for (const char* id : {"b1", "b2"}) queue.Push("b", id);
  EXPECT_EQ(TakeAll(queue), (std::vector<std::string>{"a1", "b1", "a2", "b2", "a3", "a4"}));
}

TEST(FairQueue, FewerRunningJobsComeFirst) {
  FairQueue queue;
  for (const char* id : {"a1", "a2", "a3"}) queue.Push("a", id);
  EXPECT_EQ(queue.Take(), "a1");
  EXPECT_EQ(queue.Take(), "a2");
  queue.Push("b", "b1");
  queue.Push("b", "b2");
  EXPECT_EQ(queue.Take(), "b1");
  EXPECT_EQ(queue.Take(), "b2");
  EXPECT_EQ(queue.Take(), "a3");
  EXPECT_EQ(queue.Take(), std::nullopt);
}

TEST(FairQueue, PositionIsWhatTakeDoes) {
  FairQueue queue;
  for (const char* id : {"a1", "a2", "a3"}) queue.Push("a", id);
  for (const char* id : {"b1", "b2"}) queue.Push("b", id);
  queue.Push("c", "c1");
  std::vector<std::string> by_position(6);
  for (const char* id : {"a1", "a2", "a3", "b1", "b2", "c1"})
    by_position.at(static_cast<size_t>(queue.Position(std::string(1, id[0]), id) - 1)) = id;
  std::vector<std::string> taken;
  while (const auto id = queue.Take()) taken.push_back(*id);
  EXPECT_EQ(by_position, taken);
  EXPECT_EQ(queue.Position("a", "a1"), 0);
}

TEST(FairQueue, RemovesAndContinuesAtTheFront) {
  FairQueue queue;
  queue.Push("a", "a1");
  queue.Push("a", "a2");
  queue.Push("a", "a0", true);
  EXPECT_TRUE(queue.Remove("a", "a1"));
  EXPECT_FALSE(queue.Remove("a", "a1"));
  EXPECT_FALSE(queue.Remove("b", "a2"));
  EXPECT_EQ(queue.size(), 2);
  EXPECT_EQ(queue.size("b"), 0);
  EXPECT_EQ(TakeAll(queue), (std::vector<std::string>{"a0", "a2"}));
}

TEST(RateLimit, FillsEvenly) {
  RateLimit limit(60);
  for (int i = 0; i < 60; ++i) EXPECT_EQ(limit.Take("a", 0), 0);
  EXPECT_EQ(limit.Take("a", 0), 1);
  EXPECT_EQ(limit.Take("b", 0), 0);
  EXPECT_EQ(limit.Take("a", 1000), 0);
  EXPECT_GT(limit.Take("a", 1500), 0);
  RateLimit none(0);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(none.Take("a", 0), 0);
}

TEST(ProgressShare, WeighsStages) {
  ProgressShare share({{"loading", 10}, {"denoising", 80}, {"decoding", 10}});
  share.Update("loading", 1, 2);
  EXPECT_DOUBLE_EQ(share.share(), 0.05);
  share.Update("denoising", 10, 20);
  EXPECT_DOUBLE_EQ(share.share(), 0.5);
  EXPECT_DOUBLE_EQ(*share.SecondsLeft(40, 40), 50);
  share.Update("something else", 1, 1);
  EXPECT_DOUBLE_EQ(share.share(), 0.5);
  share.Update("loading", 0, 2);  // never falls
  EXPECT_DOUBLE_EQ(share.share(), 0.5);
  EXPECT_FALSE(share.SecondsLeft(1, -1).has_value());
  share.Update("decoding", 5, 5);
  EXPECT_DOUBLE_EQ(share.share(), 1);
}

TEST(Pace, ExpectsWhatWasMeasured) {
  Pace pace;
  Job job;
  job.width = 256;
  job.height = 144;
  job.frames = 17;
  job.steps = 20;
  job.stages = {{"encoding text", 0.5}, {"denoising", 10.0}, {"decoding", 2.0}};
  pace.Note(job);
  const auto time = pace.Predict(256, 144, 17, 40);
  ASSERT_TRUE(time.has_value());
  EXPECT_DOUBLE_EQ(time->denoising, 20);
  EXPECT_DOUBLE_EQ(time->total(), 22.5);
  EXPECT_FALSE(pace.Predict(256, 144, 21, 40).has_value());
}

}  // namespace
}  // namespace t3::serve
