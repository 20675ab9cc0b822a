// The world's latents for the denoiser.
#include "training/dit/world_latents.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "training/dit/testing/synthetic_source.h"
#include "weights/testing/test_folder.h"

namespace t3 {
namespace {

WorldLatents MakeLatents(const std::string& cache, bool train_text_encoder, int64_t seed = 0,
                         ClipLatents latents = ClipLatents::kRendered) {
  const nlohmann::json world{
      {"cache", cache},
      {"seed", 4},
      {"sizes",
       {{{"size", "32x16"}, {"frames", 5}, {"clips", 6}, {"turns", 2}, {"together", 4}},
        {{"size", "48x32"}, {"frames", 1}, {"clips", 2}, {"batch", 3}}}}};
  DitTrainConfig config =
      MiniConfig("unused", {{"train_text_encoder", train_text_encoder}, {"seed", seed}});
  config.data.world = TakeWorldLatents(JsonFields(world, "test"), 2, seed);
  return {config, MiniModel(), at::kFloat, CpuContext(), latents};
}

TEST(WorldLatents, TakeSizesInTurnWithCaptions) {
  WorldLatents source = MakeLatents("", /*train_text_encoder=*/false);
  const Batch first = source.Get(0, 0), second = source.Get(1, 0);
  EXPECT_EQ(first.latents.sizes(), at::IntArrayRef({2, 16, 2, 2, 4}));
  EXPECT_EQ(second.latents.sizes(), at::IntArrayRef({3, 16, 1, 4, 6}));
  ASSERT_EQ(first.ids.size(), 2u);
  EXPECT_EQ(first.ids[0].back(), 1);
  ASSERT_EQ(first.text.size(), 2u);
  EXPECT_EQ(first.text[0].sizes(),
            at::IntArrayRef({static_cast<int64_t>(first.ids[0].size()), 64}));
}

TEST(WorldLatents, RunsOfSeveralSeedsShareTheClipsOfOne) {
  const test::Folder folder;
  WorldLatents one = MakeLatents(folder.Path("cache"), true, 1);
  WorldLatents two = MakeLatents(folder.Path("cache"), true, 2);
  EXPECT_EQ(one.Digest(), two.Digest());
  bool differ = false;  // in what they draw of them
  for (int64_t step = 0; step < 6; ++step) {
    differ = differ || one.Get(step, 0).items != two.Get(step, 0).items;
  }
  EXPECT_TRUE(differ);
}

TEST(WorldLatents, DraftsAreTheSameScenesWithoutTheirDetail) {
  const auto latents_of = [](nlohmann::json size) {
    size.update({{"size", "64x64"}, {"frames", 5}, {"clips", 2}, {"together", 2}});
    const nlohmann::json world{{"sizes", {size}}};
    DitTrainConfig config = MiniConfig("unused");
    config.data.world = TakeWorldLatents(JsonFields(world, "test"), 2, 0);
    WorldLatents source(config, MiniModel(), at::kFloat, CpuContext());
    return std::pair{source.Digest(), source.Get(0, 0).latents};
  };
  const auto [clean_digest, clean] = latents_of({});
  const auto [draft_digest, draft] = latents_of({{"draft", "32x32"}});
  EXPECT_EQ(draft.sizes(), clean.sizes());
  EXPECT_FALSE(at::allclose(draft, clean, 1e-2, 1e-2));
  EXPECT_NE(draft_digest, clean_digest);
}

TEST(WorldLatents, ObjectsWeighMoreOnRequest) {
  const auto source_of = [](double weight) {
    const nlohmann::json world{
        {"object_weight", weight},
        {"sizes", {{{"size", "256x144"}, {"frames", 5}, {"clips", 2}, {"together", 2}}}}};
    DitTrainConfig config = MiniConfig("unused");
    config.data.world = TakeWorldLatents(JsonFields(world, "test"), 2, 0);
    return WorldLatents(config, MiniModel(), at::kFloat, CpuContext(), ClipLatents::kZeros);
  };
  EXPECT_FALSE(source_of(1).Get(0, 0).weights.defined());
  const Batch batch = source_of(5).Get(0, 0);
  ASSERT_EQ(batch.weights.sizes(), at::IntArrayRef({2, 1, 2, 18, 32}));
  for (const at::Tensor& clip : batch.weights.unbind()) {
    EXPECT_NEAR(clip.mean().item<double>(), 1, 1e-5);
    EXPECT_NEAR(clip.max().item<double>() / clip.min().item<double>(), 5, 1e-4);
    const double share = (clip > 1).to(at::kFloat).mean().item<double>();
    EXPECT_GT(share, 0.01);
    EXPECT_LT(share, 0.2);
  }
}

TEST(WorldLatents, DraftsAreSmallerAndOfTheClipsAspect) {
  for (const char* draft : {"64x64", "128x128", "64x16"}) {
    const nlohmann::json world{
        {"sizes", {{{"size", "64x64"}, {"frames", 5}, {"clips", 1}, {"draft", draft}}}}};
    DitTrainConfig config = MiniConfig("unused");
    config.data.world = TakeWorldLatents(JsonFields(world, "test"), 1, 0);
    EXPECT_THROW(WorldLatents(config, MiniModel(), at::kFloat, CpuContext()), Error) << draft;
  }
}

TEST(WorldLatents, CaptionsAloneAreThoseOfTheClips) {
  WorldLatents rendered = MakeLatents("", false);
  WorldLatents captions = MakeLatents("", false, 0, ClipLatents::kZeros);
  EXPECT_EQ(captions.Digest(), rendered.Digest());
  for (int64_t step = 0; step < 2; ++step) {
    const Batch wanted = rendered.Get(step, 0), got = captions.Get(step, 0);
    EXPECT_EQ(got.ids, wanted.ids);
    EXPECT_EQ(got.latents.sizes(), wanted.latents.sizes());
    EXPECT_EQ(got.latents.abs().max().item<double>(), 0);
  }
}

TEST(WorldLatents, AreReadFromTheCacheTheNextTime) {
  const test::Folder folder;
  WorldLatents made = MakeLatents(folder.Path("cache"), true);
  const std::string file = folder.Path("cache") + "/32x16x5-seed-4.safetensors";
  ASSERT_TRUE(std::filesystem::exists(file));
  const auto written = std::filesystem::last_write_time(file);
  WorldLatents read = MakeLatents(folder.Path("cache"), true);
  EXPECT_EQ(std::filesystem::last_write_time(file), written);
  for (int64_t step = 0; step < 3; ++step) {
    const Batch a = made.Get(step, 0), b = read.Get(step, 0);
    EXPECT_TRUE(at::equal(a.latents, b.latents));
    EXPECT_EQ(a.ids, b.ids);
    EXPECT_TRUE(a.text.empty());
  }
  EXPECT_EQ(made.Digest(), read.Digest());
}

TEST(WorldLatents, DraftsOfAnotherDecoderAreNotReadFromTheCache) {
  const test::Folder folder;
  const nlohmann::json world{
      {"cache", folder.Path("cache")},
      {"sizes",
       {{{"size", "64x64"}, {"frames", 5}, {"clips", 1}, {"together", 1}, {"draft", "32x32"}}}}};
  DitTrainConfig config = MiniConfig("unused");
  config.data.world = TakeWorldLatents(JsonFields(world, "test"), 1, 0);
  ModelFiles files;
  files.model = T3_SOURCE_DIR "/tests/data/reference/mini2.1";
  files.vae = T3_SOURCE_DIR "/tests/data/oracle/taehv_plain.pth";
  const ModelInfo other = OpenModel(files);
  const auto latents = [&](const ModelInfo& model) {
    return WorldLatents(config, model, at::kFloat, CpuContext()).Get(0, 0).latents;
  };
  const at::Tensor first = latents(MiniModel());
  EXPECT_FALSE(at::allclose(latents(other), first, 1e-2, 1e-2));
  EXPECT_TRUE(latents(MiniModel()).equal(first));
  EXPECT_NE(DitIdentity(config, other, "data"), DitIdentity(config, MiniModel(), "data"));
}

TEST(WorldLatents, ADamagedOrUnwritableCacheIsMadeAgain) {
  const test::Folder folder;
  const std::string digest = MakeLatents(folder.Path("cache"), true).Digest();
  std::ofstream(folder.Path("cache") + "/32x16x5-seed-4.safetensors") << "damaged";
  EXPECT_EQ(MakeLatents(folder.Path("cache"), true).Digest(), digest);
  EXPECT_EQ(MakeLatents("/proc/no/cache", true).Digest(), digest);
}

}  // namespace
}  // namespace t3
