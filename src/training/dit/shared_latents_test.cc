// Latents that ranks make together are those of one process.
#include "training/dit/shared_latents.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "parallel/testing/thread_ranks.h"
#include "training/dit/testing/synthetic_source.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kWorldSeed = 4;

// Five renderings of at most two clips: three ranks make two rounds, the second without rank 2.
WorldLatentSize NineClips() {
  return {.width = 32, .height = 16, .frames = 5, .clips = 9, .together = 2};
}

at::Tensor LatentsOf(const WorldLatentSize& size, const LatentCache& cache, Team* team,
                     const ProgressFn& progress = {}) {
  const RunContext context{progress, nullptr, at::kCPU};
  return SharedLatents(size, kWorldSeed, MiniModel(), at::kFloat, context, cache, team);
}

class SharedLatentsTest : public testing::Test {
 protected:
  // Of three ranks, each of which has a cache of its own.
  std::vector<at::Tensor> OfThreeRanks(const WorldLatentSize& size) {
    std::vector<at::Tensor> latents(3);
    const auto errors = RunRanks(3, [&](Team& team) {
      latents[static_cast<size_t>(team.rank())] = LatentsOf(size, CacheOf(team.rank()), &team);
    });
    EXPECT_THAT(errors, Each(IsEmpty()));
    return latents;
  }
  // A rendering of one process that is cancelled when it reports `done` clips.
  void Interrupt(int64_t done) {
    CancelToken cancel;
    const ProgressFn interrupt = [&](const ProgressEvent& event) {
      if (event.done == done) cancel.Cancel();
    };
    const RunContext context{interrupt, &cancel, at::kCPU};
    EXPECT_THROW(SharedLatents(NineClips(), kWorldSeed, MiniModel(), at::kFloat, context,
                               CacheOf(0), nullptr),
                 Error);
  }
  LatentCache CacheOf(int64_t rank) const { return {CachePath(rank), "nine clips", "weights"}; }
  std::string CachePath(int64_t rank) const {
    return folder_.Path(std::to_string(rank) + "/latents.safetensors");
  }

  test::Folder folder_;
};

TEST_F(SharedLatentsTest, AreBitForBitThoseOfOneProcess) {
  WorldLatentSize draft = NineClips();
  draft.width = draft.height = 64, draft.draft_width = draft.draft_height = 32;
  draft.clips = 3, draft.together = 1;
  for (const WorldLatentSize& size : {NineClips(), draft}) {
    const at::Tensor one = LatentsOf(size, {"", "", ""}, nullptr);
    EXPECT_FALSE(at::equal(one[0], one[1]));
    for (const at::Tensor& each : OfThreeRanks(size)) EXPECT_TRUE(at::equal(each, one));
    std::filesystem::remove(CachePath(0));
  }
}

TEST_F(SharedLatentsTest, RankZeroAloneWritesTheCache) {
  OfThreeRanks(NineClips());
  EXPECT_TRUE(std::filesystem::exists(CachePath(0)));
  EXPECT_FALSE(std::filesystem::exists(CachePath(1)));
  EXPECT_FALSE(std::filesystem::exists(CachePath(2)));
  EXPECT_TRUE(at::equal(CacheOf(0).Read(), LatentsOf(NineClips(), {"", "", ""}, nullptr)));
}

TEST_F(SharedLatentsTest, AllHaveThoseOfRankZerosCache) {
  const at::Tensor some = at::ones({9, 16, 2, 2, 4}, at::kBFloat16);
  CacheOf(0).Write(some);
  CacheOf(1).Write(2 * some);  // not looked at
  for (const at::Tensor& each : OfThreeRanks(NineClips())) EXPECT_TRUE(at::equal(each, some));
}

// A file's last byte, which is one of its latents.
void FlipLastBit(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(-1, std::ios::end);
  const int byte = file.get() ^ 1;
  file.seekp(-1, std::ios::end);
  file.put(static_cast<char>(byte));
}

TEST_F(SharedLatentsTest, DamagedLatentsAreRenderedAgain) {
  const at::Tensor one = LatentsOf(NineClips(), CacheOf(0), nullptr);
  EXPECT_TRUE(at::equal(CacheOf(0).Read(), one));
  FlipLastBit(CachePath(0));
  testing::internal::CaptureStdout();
  EXPECT_FALSE(CacheOf(0).Read().defined());
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("is damaged"));
  EXPECT_TRUE(at::equal(LatentsOf(NineClips(), CacheOf(0), nullptr), one));
  EXPECT_TRUE(at::equal(CacheOf(0).Read(), one));  // written anew
}

// Cancels once four clips are rendered; the events of the next call say where it began.
TEST_F(SharedLatentsTest, AnInterruptedRenderingContinues) {
  const at::Tensor one = LatentsOf(NineClips(), {"", "", ""}, nullptr);
  Interrupt(2);
  EXPECT_EQ(CacheOf(0).ReadPart(0, 2).size(0), 4);
  EXPECT_FALSE(CacheOf(0).ReadPart(0, 3).defined());  // others differ by rounding
  for (const at::Tensor& each : OfThreeRanks(NineClips())) EXPECT_TRUE(at::equal(each, one));
  EXPECT_FALSE(CacheOf(0).ReadPart(0, 2).defined());  // the whole is there

  CacheOf(1).WritePart(0, 2, one.narrow(0, 0, 4));
  CacheOf(1).WritePart(4, 2, one.narrow(0, 4, 2));
  FlipLastBit(folder_.Path("1/latents.part-4.safetensors"));
  std::vector<int64_t> counts;
  const auto note = [&](const ProgressEvent& event) {
    if (event.stage == "encoding the world") counts.push_back(event.done);
  };
  EXPECT_TRUE(at::equal(LatentsOf(NineClips(), CacheOf(1), nullptr, note), one));
  EXPECT_THAT(counts, ElementsAre(0, 4, 6, 8, 9));
}

TEST_F(SharedLatentsTest, ARenderingThatEndsInItsLastRoundLosesNothing) {
  Interrupt(8);
  EXPECT_EQ(CacheOf(0).ReadPart(0, 2).size(0), 9);
}

TEST_F(SharedLatentsTest, KnowsWhatItsCacheStillTakes) {
  const int64_t all = 2 * 9 * 16 * 2 * 2 * 4;
  EXPECT_EQ(CacheOf(0).MissingBytes(all), all);
  EXPECT_EQ(LatentCache("", "nine clips", "weights").MissingBytes(all), 0);
  Interrupt(2);
  EXPECT_LT(CacheOf(0).MissingBytes(all), all);
  EXPECT_EQ(LatentCache(CachePath(0), "others", "weights").MissingBytes(all), all);
  LatentsOf(NineClips(), CacheOf(0), nullptr);
  EXPECT_EQ(CacheOf(0).MissingBytes(all), 0);
  EXPECT_EQ(LatentCache(CachePath(0), "others", "weights").MissingBytes(all), all);
}

TEST_F(SharedLatentsTest, OfOtherWeightsAreNotRead) {
  const at::Tensor latents = at::ones({9, 16, 2, 2, 4}, at::kBFloat16);
  const LatentCache others(CachePath(0), "nine clips", "others");
  CacheOf(0).Write(latents);
  EXPECT_TRUE(CacheOf(0).Read().equal(latents));
  EXPECT_FALSE(others.Read().defined());
  EXPECT_EQ(others.MissingBytes(9), 9);
  LatentCache(CachePath(0), "nine clips", "").Write(latents);  // as an earlier version did
  EXPECT_TRUE(others.Read().equal(latents));
  EXPECT_EQ(others.MissingBytes(9), 0);
}

TEST_F(SharedLatentsTest, OthersCachesDoNotMatter) {
  CacheOf(1).Write(at::ones({9, 16, 2, 2, 4}, at::kBFloat16));
  const at::Tensor one = LatentsOf(NineClips(), {"", "", ""}, nullptr);
  for (const at::Tensor& each : OfThreeRanks(NineClips())) EXPECT_TRUE(at::equal(each, one));
}

TEST_F(SharedLatentsTest, ARankMayTakeLongerThanThePatience) {
  constexpr double kPatience = 4;  // seconds
  const ProgressFn slow = [](const ProgressEvent& event) {
    if (event.done == 4) std::this_thread::sleep_for(std::chrono::duration<double>(kPatience + 1));
  };
  const auto errors = RunRanks(
      2,
      [&](Team& team) {
        LatentsOf(NineClips(), {"", "", ""}, &team, team.rank() == 1 ? slow : ProgressFn());
      },
      kPatience);
  EXPECT_THAT(errors, Each(IsEmpty()));
}

TEST_F(SharedLatentsTest, ARankThatFailsEndsTheOthersWork) {
  const ProgressFn fails = [](const ProgressEvent&) { throw std::runtime_error("no memory left"); };
  const auto errors = RunRanks(2, [&](Team& team) {
    LatentsOf(NineClips(), {"", "", ""}, &team, team.rank() == 1 ? fails : ProgressFn());
  });
  EXPECT_THAT(errors, ElementsAre(HasSubstr("rank 1: no memory left"), "no memory left"));
}

}  // namespace
}  // namespace t3
