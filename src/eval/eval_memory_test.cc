// Memory of clips that are denoised together.
#include "eval/eval_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"

namespace t3 {
namespace {

// Of the small reference model on a CPU; `limit` bytes, 0: all that is free.
EvalPlan PlanOf(int64_t batch, int64_t limit, bool asked = true) {
  ModelFiles files;
  files.model = std::string(T3_SOURCE_DIR) + "/tests/data/reference/mini2.1";
  RunOptions options;
  options.device = "cpu";
  options.dtype = ComputeDtype::kFp32;
  options.memory_limit = limit;
  EvalRequest request;
  request.params.size = VideoSize{64, 48};
  request.params.frames = 5;
  request.params.attention = AttentionPattern::kFull;
  if (asked) request.batch = batch;
  const ProgressFn silent;
  EvalPlan plan = PlanEval(files, options, request, {silent, nullptr, at::kCPU});
  plan.batch = batch;  // as a GPU would choose it
  PlanMemoryOf(plan, options, at::kCPU);
  return plan;
}

int64_t DenoiserBytes(const EvalPlan& plan) {
  return NeedOf(plan.clips.memory, StageKind::kDenoiser).at_work;
}

TEST(EvalMemory, CountsEveryClipOfABatch) {
  const int64_t one = DenoiserBytes(PlanOf(1, 0)), two = DenoiserBytes(PlanOf(2, 0)),
                many = DenoiserBytes(PlanOf(512, 0));
  EXPECT_GT(two, one);
  EXPECT_GT(many, 100 * (two - one));
}

TEST(EvalMemory, RefusesABatchThatDoesNotFitAndChoosesOneThatDoes) {
  constexpr int64_t kBatch = 8192;
  const int64_t clips = 2 * kBatch * 3 * 64 * 48 * 5 * 4;
  const int64_t others = 600'000'000;  // the decoder, which has one clip at a time
  try {
    PlanOf(kBatch, clips + others);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("8192 clips of 64x48"),
                                             testing::HasSubstr("denoised together"),
                                             testing::HasSubstr("a smaller `batch`")));
  }
  const EvalPlan chosen = PlanOf(kBatch, clips + others, /*asked=*/false);
  EXPECT_LT(chosen.batch, kBatch);
  EXPECT_GE(chosen.batch, kBatch / 8);
}

}  // namespace
}  // namespace t3
