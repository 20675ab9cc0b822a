// The lower bound of a VAE's activations.
#include "training/planned_work.h"

#include <gtest/gtest.h>

namespace t3 {
namespace {

TrainPlan PlanOfClips(int64_t clips) {
  TrainPlan plan;
  plan.sizes = {{.width = 64, .height = 32, .frames = 5, .batch = clips}};
  return plan;
}

int64_t ActivationsOf(const VaeTrainConfig& config, const VaeConfig& vae, TrainPlan plan,
                      at::ScalarType dtype = at::kFloat) {
  AddVaeWork(config, vae, dtype, &plan);
  return plan.activation_bytes;
}

TEST(AddVaeWork, CountsTheConvolutionsAtFullSizeOfTheLargestBatch) {
  const VaeConfig vae;
  constexpr int64_t kPixels = 64 * 32 * 5;
  VaeTrainConfig config;
  EXPECT_EQ(ActivationsOf(config, vae, PlanOfClips(1)), kPixels * (24 + 4 * 96 * (6 + 4)));
  EXPECT_EQ(ActivationsOf(config, vae, PlanOfClips(1), at::kBFloat16),
            kPixels * (24 + 2 * 96 * (6 + 4)));
  config.decoder_only = true;
  TrainPlan two = PlanOfClips(3);
  two.sizes.push_back(PlanOfClips(2).sizes[0]);
  EXPECT_EQ(ActivationsOf(config, vae, two), 3 * kPixels * (24 + 4 * 96 * 6));
  config.student.emplace();
  EXPECT_EQ(ActivationsOf(config, vae, PlanOfClips(1)), kPixels * 24);
}

}  // namespace
}  // namespace t3
