// Statistics of latents against torch's, and the file that carries them.
#include "training/vae/latent_statistics.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "arch/vae.h"
#include "models/vae/testing/random_vae.h"
#include "nn/load.h"
#include "t3video/error.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

at::Tensor Doubles(const std::vector<double>& values) { return at::tensor(values, at::kDouble); }

TEST(LatentStatisticsTest, ClipsOfDifferentSizesCountByElement) {
  // An offset of 1000 drowns float32 sums of squares, not these.
  const at::Tensor a = SeededNoise({3, 2, 5, 4}, 1).to(at::kDouble) + 1000;
  const at::Tensor b = SeededNoise({2, 3, 1, 7, 3}, 2).to(at::kDouble) * 3 - 5;
  LatentStatistics statistics(3);
  statistics.Add(a);
  statistics.Add(b);
  const at::Tensor all = at::cat({a.flatten(1), b.transpose(0, 1).flatten(1)}, 1);
  EXPECT_EQ(statistics.count(), all.size(1));
  EXPECT_TRUE(at::allclose(Doubles(statistics.Mean()), all.mean(1), 1e-12, 0));
  EXPECT_TRUE(at::allclose(Doubles(statistics.Std()), all.std(1, /*unbiased=*/false), 1e-12, 0));
}

TEST(LatentStatisticsTest, RefusesWhatCannotBeNormalised) {
  LatentStatistics statistics(2);
  EXPECT_THROW(statistics.Std(), Error);
  EXPECT_THROW(statistics.Add(at::zeros({3, 1, 2, 2})), Error);
  EXPECT_THROW(statistics.Add(at::full({2, 1, 2, 2}, NAN)), Error);
  statistics.Add(at::ones({2, 1, 2, 2}));
  EXPECT_THROW(statistics.Std(), Error);
}

TEST(SaveVaeTest, TheFileCarriesItsStatisticsAndDecodesTheSame) {
  const c10::NoGradGuard no_grad;
  const VaeConfig config = SmallVaeConfig(VaeVersion::k21, 3, 4, 4);
  const TensorMap tensors = RandomVaeTensors(config, 5);
  const Vae vae(config, tensors);
  std::vector<at::Tensor> clips;
  for (uint64_t i = 0; i < 3; ++i) clips.push_back(SeededNoise({3, 5, 16, 8}, i).clamp(-1, 1));
  const VaeConfig measured =
      MeasureLatents(vae, 3, [&](int64_t i) { return clips[static_cast<size_t>(i)]; });
  EXPECT_NE(measured.mean, config.mean);

  const test::Folder folder;
  SaveVae(folder.Path("vae.safetensors"), measured, tensors);
  const NamedViews views =
      NameTensors(WeightFile::Open(folder.Path("vae.safetensors")), VaeNaming(VaeVersion::k21));
  const VaeConfig read = ReadVaeConfig(views, nullptr);
  EXPECT_EQ(read, measured);

  // In the space of the saved VAE the same clips have mean 0 and deviation 1.
  const Vae saved(read, LoadTensors(views, VaeTensors(read), VaeNaming(read.version), {}));
  LatentStatistics normalised(3);
  for (const at::Tensor& clip : clips) normalised.Add(saved.Encode(clip));
  EXPECT_TRUE(at::allclose(Doubles(normalised.Mean()), at::zeros({3}, at::kDouble), 0, 1e-5));
  EXPECT_TRUE(at::allclose(Doubles(normalised.Std()), at::ones({3}, at::kDouble), 1e-5, 0));
}

TEST(SaveVaeTest, RefusesTensorsOfAnotherVae) {
  const VaeConfig config = SmallVaeConfig(VaeVersion::k21, 3, 4, 4);
  const test::Folder folder;
  TensorMap tensors = RandomVaeTensors(SmallVaeConfig(VaeVersion::k21, 3, 4, 8), 5);
  EXPECT_THROW(SaveVae(folder.Path("vae.safetensors"), config, tensors), Error);
  tensors = RandomVaeTensors(config, 5);
  tensors.erase("conv2.bias");
  EXPECT_THROW(SaveVae(folder.Path("vae.safetensors"), config, tensors), Error);
  EXPECT_TRUE(folder.Empty());
}

}  // namespace
}  // namespace t3
