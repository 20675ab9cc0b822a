// Benchmarks at a size that a CPU can: what they compare is equal, what they report adds up.
#include "t3video/bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/so_far.h"
#include "bench/timing.h"
#include "t3video/error.h"

namespace t3 {
namespace {

using testing::HasSubstr;

BenchRequest SmallRequest() {
  BenchRequest request;
  request.preset = "wan2.1-1.3b-t3";
  request.width = 64;
  request.height = 32;
  request.frames = 5;
  request.windows = "2,1,1;1,2,2";
  request.device = "cpu";
  request.dtype = ComputeDtype::kFp32;
  request.repeats = 1;
  return request;
}

// Runs both benchmarks of the denoiser and passes on what each throws.
template <typename Check>
void ForEachError(const BenchRequest& request, const CancelToken* cancel, Check check) {
  const auto run = [&](auto bench) {
    try {
      bench(request, ProgressFn{}, cancel);
      ADD_FAILURE() << "it ran";
    } catch (const Error& error) {
      check(error);
    }
  };
  run(BenchAttention);
  run(BenchDit);
}

TEST(Bench, AttentionEqualsThePublishedAlgorithm) {
  const AttentionBenchResult result = BenchAttention(SmallRequest());
  EXPECT_EQ(result.setup.tokens, 16);
  ASSERT_EQ(result.layers.size(), 2u);
  EXPECT_EQ(result.layers[1].windows, (WindowCounts{1, 2, 2}));
  for (const LayerBench& layer : result.layers) {
    EXPECT_LT(layer.distance, 1e-5);
    EXPECT_GT(layer.ms, 0);
    EXPECT_GT(layer.published_ms, 0);
  }
  EXPECT_GT(result.full_attention->head_ms, 0);
  EXPECT_EQ(result.full_attention->heads, 12);
}

TEST(Bench, UnevenWindowsHaveNoPublishedTime) {
  BenchRequest request = SmallRequest();
  request.windows = "1,2,3";
  const LayerBench layer = BenchAttention(request).layers.at(0);
  EXPECT_FALSE(layer.published_ms);
  EXPECT_GT(layer.ms, 0);
}

TEST(Bench, WhatACpuCannotHoldIsRefused) {
  BenchRequest request = SmallRequest();
  request.width = 3840, request.height = 2176, request.frames = 81;
  request.windows.clear();
  request.memory_limit = 20'000'000'000;
  ForEachError(request, nullptr, [](const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the benchmark needs about 1"));
    EXPECT_EQ(error.kind(), ErrorKind::kFailed);
  });
}

TEST(Bench, CancellingStopsBetweenRuns) {
  CancelToken cancel;
  cancel.Cancel();
  ForEachError(SmallRequest(), &cancel,
               [](const Error& error) { EXPECT_EQ(error.kind(), ErrorKind::kInterrupted); });
  int runs = 0;
  const auto stop = [&] {
    if (runs == 2) throw Error("stopped", ErrorKind::kInterrupted);
  };
  EXPECT_THROW(TimeRuns(
                   at::kCPU, 100, [&] { ++runs; }, stop),
               Error);
  EXPECT_EQ(runs, 2);
}

TEST(Bench, AnInterruptionSaysWhatWasMeasured) {
  CancelToken cancel;
  const auto after_one = [&](const ProgressEvent& event) {
    if (event.stage == "timing attention" && event.done == 1) cancel.Cancel();
  };
  try {
    BenchAttention(SmallRequest(), after_one, &cancel);
    ADD_FAILURE() << "it ran";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
    EXPECT_THAT(error.what(), testing::MatchesRegex("interrupted; windows 2,1,1 [0-9.]+ ms"));
  }
}

TEST(SoFar, AddsToInterruptionsOnly) {
  const auto message = [](ErrorKind kind, const std::vector<double>& runs) {
    try {
      KeepWhatWasMeasured([&] { throw Error("stopped", kind); },
                          [&] { return DescribeRuns(runs, 20, "forwards"); });
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind);
      return std::string(error.what());
    }
    return std::string("it ran");
  };
  EXPECT_EQ(message(ErrorKind::kInterrupted, {3, 1, 2.5}),
            "stopped; median of 3 of 20 forwards: 2.5 ms, 1.0 to 3.0 ms");
  EXPECT_EQ(message(ErrorKind::kInterrupted, {}), "stopped");
  EXPECT_EQ(message(ErrorKind::kFailed, {1}), "stopped");
}

TEST(Bench, BadRequestsAreUsageErrors) {
  BenchRequest request = SmallRequest();
  request.repeats = 0;
  EXPECT_THROW(BenchAttention(request), Error);
  request = SmallRequest();
  request.preset = "wan9";
  EXPECT_THROW(BenchAttention(request), Error);
  request = SmallRequest();
  request.windows = "9,1,1";
  EXPECT_THROW(BenchAttention(request), Error);
}

TEST(Bench, Fp8AloneTakesFp8AndNoComparison) {
  BenchRequest request = SmallRequest();
  request.bf16 = false;
  for (const bool compare : {false, true}) {
    request.compare = compare;
    request.dtype = compare ? ComputeDtype::kFp8 : ComputeDtype::kFp32;
    try {
      BenchDit(request);
      ADD_FAILURE() << "it ran";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_THAT(error.what(), HasSubstr("`no-bf16`"));
    }
  }
}

TEST(Timing, MedianOfRuns) {
  EXPECT_EQ(Median({3, 1, 2}), 2);
  EXPECT_EQ(Median({4, 1, 2, 3}), 2.5);
  int runs = 0;
  EXPECT_EQ(TimeRuns(at::kCPU, 4, [&] { ++runs; }).size(), 4u);
  EXPECT_EQ(runs, 5);
}

}  // namespace
}  // namespace t3
