// The order of trials and the choice of candidates.
#include "ops/autotuner.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

namespace t3 {
namespace {

// Candidates "0", "1", ... of which some cannot be built.
Candidates Numbered(size_t count, std::set<size_t> unbuildable = {}) {
  Candidates candidates;
  for (size_t i = 0; i < count; ++i) candidates.names.push_back(std::to_string(i));
  candidates.build = [unbuildable = std::move(unbuildable)](size_t i) {
    return !unbuildable.contains(i);
  };
  candidates.refusal = [] { return std::string("cannot"); };
  return candidates;
}

// Runs on the CPU, where nothing can be timed: at most the first trial of each candidate.
struct Runs {
  std::vector<size_t> candidates;
  std::set<size_t> refused;

  bool Call(Tuning& tuning, const Tuning::VerifyFn& verify = {}) {
    return tuning.Run(
        at::zeros({1}),
        [&](size_t candidate) {
          candidates.push_back(candidate);
          return !refused.contains(candidate);
        },
        verify);
  }
};

TEST(Tuning, WithoutCandidatesEverythingIsRefused) {
  Tuning tuning({.key = "none"}, {});
  Runs runs;
  EXPECT_FALSE(runs.Call(tuning));
  EXPECT_EQ(tuning.state(), Tuning::State::kRefused);
}

TEST(Tuning, TheFirstThatCanBeBuiltServesUntilTrialsBegin) {
  Tuning tuning({.key = "rare", .warmup_calls = 3}, Numbered(4, {0}));
  Runs runs;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(runs.Call(tuning));
  EXPECT_EQ(runs.candidates, (std::vector<size_t>{1, 1, 1, 1}));
  EXPECT_EQ(tuning.state(), Tuning::State::kFirst);
  tuning.Finish();  // nothing was timed
  EXPECT_EQ(tuning.state(), Tuning::State::kFirst);
  EXPECT_EQ(tuning.chosen_name(), "1");
}

TEST(Tuning, OneChoiceIsNeverTried) {
  Tuning tuning({.key = "one", .max_candidates = 1}, Numbered(4));
  Runs runs;
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(runs.Call(tuning));
  EXPECT_EQ(runs.candidates, std::vector<size_t>(9, 0));
}

TEST(Tuning, TheTableDecides) {
  Tuning tuning({.key = "known"}, Numbered(4), "2");
  Runs runs;
  EXPECT_TRUE(runs.Call(tuning));
  EXPECT_EQ(runs.candidates, std::vector<size_t>{2});
  EXPECT_EQ(tuning.state(), Tuning::State::kFromTable);
  EXPECT_FALSE(tuning.stale());
}

TEST(Tuning, AStaleTableIsReportedAndReplaced) {
  for (const char* entry : {"gone", "3"}) {
    Tuning tuning({.key = "stale", .warmup_calls = 9}, Numbered(4, {3}), entry);
    EXPECT_TRUE(tuning.stale());
    EXPECT_EQ(tuning.state(), Tuning::State::kFirst);
    EXPECT_EQ(tuning.chosen_name(), "0");
  }
}

// As one that cannot be built is, at its first use.
TEST(Tuning, ATablesCandidateThatIsWrongOrRefusedIsReplaced) {
  for (const bool wrong : {false, true}) {
    Tuning tuning({.key = "bad entry", .warmup_calls = 9}, Numbered(4), "2");
    Runs runs;
    if (!wrong) runs.refused = {2};
    const auto verify = [&] { return std::string(wrong ? "wrong" : ""); };
    EXPECT_TRUE(runs.Call(tuning, verify));
    EXPECT_TRUE(runs.Call(tuning, verify));
    EXPECT_EQ(runs.candidates, (std::vector<size_t>{2, 0, 0}));
    EXPECT_TRUE(tuning.stale());
    EXPECT_EQ(tuning.state(), Tuning::State::kFirst);
  }
}

TEST(Tuning, ATablesCandidateIsVerifiedOnce) {
  Tuning tuning({.key = "known"}, Numbered(4), "2");
  Runs runs;
  int verified = 0;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(runs.Call(tuning, [&] {
      ++verified;
      return std::string();
    }));
  }
  EXPECT_EQ(verified, 1);
  EXPECT_EQ(runs.candidates, (std::vector<size_t>{2, 2, 2}));
}

TEST(Tuning, WrongAndRefusedCandidatesAreNotUsedAgain) {
  Tuning tuning({.key = "bad", .max_candidates = 3}, Numbered(4));
  Runs runs;
  runs.refused = {0};
  int verified = 0;
  // 0 is refused, 1 is wrong, 2 is right; 3 is not among the first three.
  EXPECT_TRUE(runs.Call(tuning, [&] { return std::string(verified++ == 0 ? "wrong" : ""); }));
  EXPECT_EQ(runs.candidates, (std::vector<size_t>{0, 1, 2}));
  EXPECT_EQ(tuning.last_name(), "2");
  EXPECT_EQ(verified, 2);
}

TEST(Tuning, IsRefusedOnceNoCandidateIsLeft) {
  Tuning tuning({.key = "none left"}, Numbered(2));
  Runs runs;
  runs.refused = {0, 1};
  EXPECT_FALSE(runs.Call(tuning));
  EXPECT_FALSE(runs.Call(tuning));
  EXPECT_EQ(runs.candidates, (std::vector<size_t>{0, 1}));
  EXPECT_EQ(tuning.state(), Tuning::State::kRefused);
}

TEST(Autotuner, MakesAnEntryOncePerShapeAndDevice) {
  Autotuner<int, int> tuner;
  int made = 0;
  const auto get = [&](int device, int shape) {
    return tuner.With(
        device, shape, [&] { return ++made; }, [](int& entry) { return entry; });
  };
  EXPECT_EQ(get(0, 7), 1);
  EXPECT_EQ(get(0, 7), 1);
  EXPECT_EQ(get(1, 7), 2);
  EXPECT_EQ(get(0, 8), 3);
  int entries = 0;
  tuner.ForEach([&](int, int) { ++entries; });
  EXPECT_EQ(entries, 3);
  tuner.Clear();
  EXPECT_EQ(get(0, 7), 4);
}

}  // namespace
}  // namespace t3
