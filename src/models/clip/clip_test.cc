// CLIP and the LAION head against open_clip, transformers and pyiqa.
#include "models/clip/clip.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>

#include "arch/aesthetic_head.h"
#include "arch/clip.h"
#include "base/check.h"
#include "models/clip/aesthetic_head.h"
#include "nn/testing/oracle_weights.h"
#include "nn/testing/weight_file.h"

namespace t3 {
namespace {

const ClipConfig kSmallClip{.image = {128, 2},
                            .text = {64, 2},
                            .embedding = 24,
                            .patch = 14,
                            .image_size = 28,
                            .context = 12,
                            .vocab_size = 70};
const ClipConfig kVitL14{.image = {1024, 24},
                         .text = {768, 12},
                         .embedding = 768,
                         .patch = 14,
                         .image_size = 224,
                         .context = 77,
                         .vocab_size = 49408};

std::vector<int32_t> OracleIds(const ClipConfig& config, int64_t middle) {
  const auto last = static_cast<int32_t>(config.vocab_size - 1);
  std::vector<int32_t> ids{last - 1};
  for (int32_t i = 0; i < middle; ++i) {
    ids.push_back((i * 37 + static_cast<int32_t>(middle) * 11) % (last - 1));
  }
  ids.push_back(last);
  return ids;
}

void ExpectOracle(const ClipModel& clip, const std::string& name,
                  const char* file = "score_networks") {
  const at::NoGradGuard no_grad;
  const int64_t side = clip.config().image_size;
  const at::Tensor images = OraclePattern(2, side, side).to(at::kFloat) / 127.5 - 1;
  EXPECT_LT(OracleError(clip.EncodeImages(images), OracleValue(name + ".image", file)),
            kOracleTolerance);
  std::vector<at::Tensor> texts;
  for (const int64_t middle : {int64_t{0}, int64_t{3}, clip.config().context - 2}) {
    texts.push_back(clip.EncodeText(OracleIds(clip.config(), middle)));
  }
  EXPECT_LT(OracleError(at::stack(texts), OracleValue(name + ".text", file)), kOracleTolerance);
}

TEST(Clip, EqualsOpenClip) {
  ClipConfig config = kSmallClip;
  const TensorMap tensors = OracleWeights(ClipTensors(config));
  ExpectOracle(ClipModel(config, tensors), "clip.quick");
  config.quick_gelu = false;
  ExpectOracle(ClipModel(config, tensors), "clip.gelu");
}

// As tools/oracle_scores.py runs by hand: --gtest_also_run_disabled_tests.
TEST(Clip, DISABLED_EqualsOpenClipAtFullSize) {
  ExpectOracle(ClipModel(kVitL14, OracleWeights(ClipTensors(kVitL14))), "clip",
               "score_networks_full");
}

// One tensor under transformers' names, of OpenAI's `name`: itself, transposed or cut.
void AddTransformers(const std::string& name, const at::Tensor& value, TestTensors* file) {
  const bool image = name.starts_with("visual.");
  const std::string head = image ? "vision_model." : "text_model.";
  const std::string rest = image ? name.substr(7) : name;
  static const std::map<std::string, std::string> kFlat{
      {"visual.class_embedding", "vision_model.embeddings.class_embedding"},
      {"visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight"},
      {"visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"},
      {"positional_embedding", "text_model.embeddings.position_embedding.weight"},
      {"token_embedding.weight", "text_model.embeddings.token_embedding.weight"},
      {"visual.ln_pre.weight", "vision_model.pre_layrnorm.weight"},
      {"visual.ln_pre.bias", "vision_model.pre_layrnorm.bias"},
      {"visual.ln_post.weight", "vision_model.post_layernorm.weight"},
      {"visual.ln_post.bias", "vision_model.post_layernorm.bias"},
      {"ln_final.weight", "text_model.final_layer_norm.weight"},
      {"ln_final.bias", "text_model.final_layer_norm.bias"},
      {"visual.proj", "visual_projection.weight"},
      {"text_projection", "text_projection.weight"}};
  if (const auto flat = kFlat.find(name); flat != kFlat.end()) {
    (*file)[flat->second] =
        flat->second.ends_with("projection.weight") ? value.t().contiguous() : value;
    return;
  }
  const std::string block = "transformer.resblocks.";
  ASSERT_TRUE(rest.starts_with(block)) << name;
  const size_t dot = rest.find('.', block.size());
  const std::string layer =
      head + "encoder.layers." + rest.substr(block.size(), dot - block.size()) + ".";
  const std::string part = rest.substr(dot + 1);
  if (part.starts_with("attn.in_proj_")) {
    const auto thirds = value.chunk(3);
    for (size_t i = 0; i < 3; ++i) {
      (*file)[layer + "self_attn." + "qkv"[i] + "_proj." + part.substr(13)] =
          thirds[i].contiguous();
    }
    return;
  }
  for (const auto& [ours, theirs] :
       {std::pair("attn.out_proj", "self_attn.out_proj"), std::pair("ln_1", "layer_norm1"),
        std::pair("ln_2", "layer_norm2"), std::pair("mlp.c_fc", "mlp.fc1"),
        std::pair("mlp.c_proj", "mlp.fc2")}) {
    if (part.starts_with(ours)) {
      (*file)[layer + theirs + part.substr(std::string(ours).size())] = value;
    }
  }
}

ClipModel LoadClip(const std::shared_ptr<const WeightFile>& file) {
  const NamedViews views = NameTensors(file, ClipNaming());
  const ClipConfig config = ReadClipConfig(views);
  return {config, LoadTensors(views, ClipTensors(config), ClipNaming(), {})};
}

TEST(Clip, ReadsBothLayouts) {
  TestTensors original, transformers;
  for (const auto& [name, value] : OracleWeights(ClipTensors(kSmallClip))) {
    original[name] = value.cpu();
    AddTransformers(name, value.cpu(), &transformers);
  }
  original["logit_scale"] = transformers["logit_scale"] = at::ones({1});
  transformers["text_model.embeddings.position_ids"] = at::arange(12);
  const ClipModel ours = LoadClip(TestFile("original.safetensors", original));
  const ClipModel theirs = LoadClip(TestFile("transformers.safetensors", transformers));
  EXPECT_EQ(ours.config(), kSmallClip);
  EXPECT_TRUE(theirs.config().separate);
  ExpectOracle(ours, "clip.quick");
  ExpectOracle(theirs, "clip.quick");
}

TEST(Clip, RefusesOtherNetworks) {
  TestTensors file;
  for (const auto& [name, value] : OracleWeights(ClipTensors(kSmallClip))) file[name] = value.cpu();
  TestTensors missing = file;
  missing.erase("visual.transformer.resblocks.1.ln_2.bias");
  EXPECT_THAT(
      ErrorOf([&] { LoadClip(TestFile("missing.safetensors", missing)); }),
      ::testing::HasSubstr("1 tensor is missing: visual.transformer.resblocks.1.ln_2.bias"));
  TestTensors misshapen = file;
  misshapen["ln_final.bias"] = at::zeros({5});
  EXPECT_THAT(ErrorOf([&] { LoadClip(TestFile("shape.safetensors", misshapen)); }),
              ::testing::HasSubstr("ln_final.bias is (5), wanted (64)"));
  EXPECT_THAT(ErrorOf([&] {
                LoadClip(TestFile("other.safetensors", {{"layers.0.weight", at::zeros({2, 3})}}));
              }),
              ::testing::HasSubstr("wanted CLIP ViT-L/14"));
  TestTensors wide = file;
  wide["visual.ln_post.weight"] = at::zeros({1280});
  EXPECT_THAT(ErrorOf([&] { LoadClip(TestFile("wide.safetensors", wide)); }),
              ::testing::HasSubstr("1280 wide"));
}

TEST(Clip, RefusesForeignInputs) {
  const ClipModel clip(kSmallClip, OracleWeights(ClipTensors(kSmallClip)));
  EXPECT_THROW(clip.EncodeImages(at::zeros({1, 3, 27, 28})), Error);
  EXPECT_THROW(clip.EncodeText({}), Error);
  EXPECT_THROW(clip.EncodeText({70}), Error);
  EXPECT_THROW(clip.EncodeText(std::vector<int32_t>(13, 1)), Error);
}

at::Tensor OracleMarks(int64_t width) {
  const AestheticConfig config{{width, 1024, 128, 64, 16, 1}};
  const AestheticHead head(config, OracleWeights(AestheticTensors(config)));
  at::Tensor x = at::arange(3 * width).view({3, width}).to(at::kFloat).sin();
  return head.Run((x / x.norm(2, 1, /*keepdim=*/true)).to(T3_TEST_DEVICE));
}

TEST(AestheticHead, EqualsPyiqa) {
  EXPECT_LT(OracleError(OracleMarks(24), OracleValue("aesthetic.score").squeeze(1)),
            kOracleTolerance);
}

TEST(AestheticHead, DISABLED_EqualsPyiqaAtFullSize) {
  EXPECT_LT(OracleError(OracleMarks(768),
                        OracleValue("aesthetic.score", "score_networks_full").squeeze(1)),
            kOracleTolerance);
}

}  // namespace
}  // namespace t3
