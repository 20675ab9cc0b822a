// Wrappers of training code around names and dicts.
#include "weights/wrappers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "weights/testing/small_file.h"
#include "weights/testing/test_files.h"

namespace t3 {
namespace {

using test::Filled;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<std::string> NamesIn(const std::map<std::string, test::Floats>& tensors) {
  const test::Folder folder;
  const auto file = test::OpenFloats(folder, "f.safetensors", tensors);
  std::vector<std::string> names;
  for (const auto& [name, view] : file->tensors()) names.push_back(name);
  return names;
}

TEST(Wrappers, LeaveNoTraceInNames) {
  const std::string name = "blocks.0.self_attn.q.weight";
  for (const std::string wrapped : {
           "_orig_mod.blocks.0.self_attn.q.weight",
           "_fsdp_wrapped_module.blocks.0._fsdp_wrapped_module.self_attn.q.weight",
           "blocks.0._checkpoint_wrapped_module.self_attn.q.weight",
           "_fsdp_wrapped_module._orig_mod.blocks.0._orig_mod.self_attn.q.weight",
           "generator_ema.blocks.0.self_attn.q.weight",
           "generator._fsdp_wrapped_module.blocks.0.self_attn.q.weight",
           "ema.model.blocks.0.self_attn.q.weight",
           "state_dict.generator_ema.model._orig_mod.blocks.0.self_attn.q.weight",
           "model.ema.blocks.0.self_attn.q.weight",
           "module.state_dict.net.blocks.0.self_attn.q.weight",
           "ema_model_state_dict.blocks.0.self_attn.q.weight",
           "params_ema.module.blocks.0.self_attn.q.weight",
       }) {
    EXPECT_THAT(NamesIn({{wrapped, Filled({2}, 1)}}), ElementsAre(name)) << wrapped;
  }
}

TEST(Wrappers, PrefixesOfNetworksStay) {
  EXPECT_THAT(NamesIn({{"model.diffusion_model.a", Filled({1}, 1)}, {"vae.b", Filled({1}, 1)}}),
              ElementsAre("model.diffusion_model.a", "vae.b"));
  EXPECT_THAT(NamesIn({{"module.a", Filled({1}, 1)}}), ElementsAre("module.a"));
  EXPECT_THAT(NamesIn({{"ema_loss", Filled({1}, 1)}}), ElementsAre("ema_loss"));
}

TEST(Wrappers, TheAverageWins) {
  const test::Folder folder;
  const auto file = test::OpenFloats(folder, "f.safetensors",
                                     {{"generator.w", Filled({1}, 1)},
                                      {"generator_ema.w", Filled({1}, 2)},
                                      {"step", Filled({1}, 3)}});
  ASSERT_EQ(file->tensors().size(), 2u);
  float value = 0;
  std::memcpy(&value, file->tensors().at("w").data, sizeof(value));
  EXPECT_EQ(value, 2);
  EXPECT_THAT(file->notes(), ElementsAre(HasSubstr("EMA weights 'generator_ema'; left out: "
                                                   "'generator'")));
}

TEST(Wrappers, AmbiguityAndCollisionsAreErrors) {
  const test::Folder folder;
  EXPECT_THAT(ErrorOf([&] {
                test::OpenFloats(folder, "a",
                                 {{"generator.w", Filled({1}, 1)}, {"student.w", Filled({1}, 1)}});
              }),
              HasSubstr("both 'generator' and 'student'"));
  EXPECT_THAT(
      ErrorOf([&] {
        test::OpenFloats(folder, "b", {{"_orig_mod.w", Filled({1}, 1)}, {"w", Filled({1}, 1)}});
      }),
      HasSubstr("both stand for 'w'"));
}

TEST(Wrappers, NestedDictsOfPickles) {
  using namespace test::pickle;
  const test::Folder folder;
  const std::string weights = Dict({Str("model.w"), Tensor()});
  for (const std::string& dict :
       {Dict({Str("generator_ema"), weights}), Dict({Str("step"), Int(3), Str("ema"), weights}),
        Dict({Str("generator"), weights, Str("generator_ema"), weights, Str("critic"), weights}),
        Dict({Str("model"), Dict({Str("epoch"), Int(1)}), Str("state_dict"), weights}),
        Dict({Str("module"), Dict({Str("net"), Dict({Str("params_ema"), weights})})})}) {
    const auto file = WeightFile::Open(folder.Add("x.pt", test::TorchZip(Whole(dict))));
    EXPECT_THAT(file->tensors(), ElementsAre(Pair("model.w", testing::_)));
  }
  EXPECT_THAT(
      ErrorOf([&] {
        WeightFile::Open(folder.Add("y.pt", test::TorchZip(Whole(Dict({Str("critic"), weights})))));
      }),
      HasSubstr("its keys: 'critic'"));
}

}  // namespace
}  // namespace t3
