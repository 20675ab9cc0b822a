// The encoder against the published code's embeds and transformers' UMT5.
#include "models/text_encoder/text_encoder.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "arch/text_encoder.h"
#include "nn/load.h"
#include "t3video/error.h"

namespace t3 {
namespace {

const std::string kData = T3_SOURCE_DIR "/tests/data/";

struct Loaded {
  TextEncoderConfig config;
  TensorMap tensors;
};

Loaded Load(const std::string& path, at::ScalarType dtype = at::kFloat) {
  const NamedViews views = NameTensors(WeightFile::Open(path), TextEncoderNaming());
  const TextEncoderConfig config = ReadTextEncoderConfig(views);
  LoadOptions options;
  options.dtype = dtype;
  return {config, LoadTensors(views, TextEncoderTensors(config), TextEncoderNaming(), options)};
}

at::Tensor ReadTensor(const WeightFile& file, const std::string& name) {
  return ToTensor(file.tensors().at(name));
}

std::vector<int32_t> ToIds(const at::Tensor& ids) {
  const at::Tensor flat = ids.to(at::kInt).contiguous();
  return {flat.data_ptr<int32_t>(), flat.data_ptr<int32_t>() + flat.numel()};
}

// NaN in either makes this NaN, which no comparison below accepts.
double RelativeError(const at::Tensor& actual, const at::Tensor& expected) {
  const at::Tensor wanted = expected.to(at::kDouble);
  return ((actual.to(at::kDouble) - wanted).norm() / wanted.norm()).item<double>();
}

const std::string kMini21 = kData + "reference/mini2.1/models_t5_umt5-xxl-enc-bf16.pth";

void ExpectReferenceEmbeds(const std::string& model) {
  const at::NoGradGuard no_grad;
  const std::string folder = kData + "reference/" + model;
  const auto expected = WeightFile::Open(folder + ".expected.safetensors");
  const Loaded loaded = Load(folder + "/models_t5_umt5-xxl-enc-bf16.pth");
  const TextEncoder encoder(loaded.config, loaded.tensors);
  for (const char* text : {"text.0", "text.1", "text.2", "text.3"}) {
    const at::Tensor wanted = ReadTensor(*expected, text + std::string(".embed"));
    const at::Tensor embed =
        encoder.Encode(ToIds(ReadTensor(*expected, text + std::string(".ids"))));
    ASSERT_EQ(embed.sizes(), wanted.sizes());
    EXPECT_LT(RelativeError(embed, wanted), 1e-5) << model << " " << text;
  }
}

TEST(TextEncoder, ReferenceEmbeds21) { ExpectReferenceEmbeds("mini2.1"); }
TEST(TextEncoder, ReferenceEmbeds22) { ExpectReferenceEmbeds("mini2.2"); }

void ExpectTransformers(const std::string& name) {
  const at::NoGradGuard no_grad;
  const Loaded loaded = Load(kData + "oracle/" + name + ".safetensors");
  const auto expected = WeightFile::Open(kData + "oracle/" + name + ".expected.safetensors");
  const TextEncoder encoder(loaded.config, loaded.tensors);
  const at::Tensor ids = ReadTensor(*expected, "ids");
  const at::Tensor output = ReadTensor(*expected, "output");
  const std::vector<int32_t> lengths = ToIds(ReadTensor(*expected, "lengths"));
  for (size_t row = 0; row < lengths.size(); ++row) {
    const auto i = static_cast<int64_t>(row);
    const at::Tensor embed = encoder.Encode(ToIds(ids[i].narrow(0, 0, lengths[row])));
    const at::Tensor wanted = output[i].narrow(0, 0, lengths[row]);
    ASSERT_EQ(embed.sizes(), wanted.sizes());
    EXPECT_LT(RelativeError(embed, wanted), 1e-5) << name << " row " << row;
  }
}

// Matrices as codes: the same bits as from weights that were multiplied by their scales first.
TEST(TextEncoder, CodesGiveTheBitsOfTheirNumbers) {
  const at::NoGradGuard no_grad;
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    Loaded codes = Load(kMini21, dtype), numbers = codes;
    int matrices = 0;
    for (const auto& [name, tensor] : numbers.tensors) {
      if (!IsFp8TextWeight(name)) continue;
      const Fp8Weight weight = QuantiseWeight(tensor);
      codes.tensors[name] = weight.codes;
      codes.tensors[name + "_scale"] = weight.scale;
      numbers.tensors[name] = (weight.codes.to(at::kFloat) * weight.scale.unsqueeze(1)).to(dtype);
      ++matrices;
    }
    EXPECT_EQ(matrices, 7 * codes.config.num_layers);
    const std::vector<int32_t> ids{5, 17, 3, 1};
    EXPECT_TRUE(at::equal(TextEncoder(codes.config, codes.tensors).Encode(ids),
                          TextEncoder(numbers.config, numbers.tensors).Encode(ids)));
  }
}

TEST(TextEncoder, EqualsTransformersAtOtherSizes) { ExpectTransformers("umt5_small"); }
TEST(TextEncoder, EqualsTransformersWithOtherBuckets) { ExpectTransformers("umt5_buckets"); }

TEST(TextEncoder, ReadsSizesFromTheTensors) {
  const TextEncoderConfig config = Load(kData + "oracle/umt5_small.safetensors").config;
  EXPECT_EQ(config, (TextEncoderConfig{.dim = 48,
                                       .ffn_dim = 80,
                                       .num_heads = 3,
                                       .attention_dim = 60,
                                       .num_layers = 3,
                                       .vocab_size = 300}));
}

TEST(TextEncoder, RunsInBf16) {
  const at::NoGradGuard no_grad;
  const Loaded narrow = Load(kMini21, at::kBFloat16);
  const Loaded wide = Load(kMini21);
  const std::vector<int32_t> ids{5, 17, 200, 9, 1};
  const at::Tensor embed = TextEncoder(narrow.config, narrow.tensors).Encode(ids);
  EXPECT_EQ(embed.scalar_type(), at::kBFloat16);
  const double error = RelativeError(embed, TextEncoder(wide.config, wide.tensors).Encode(ids));
  EXPECT_LT(error, 0.03);
  EXPECT_GT(error, 0);
}

TEST(TextEncoder, ComputesInFp32FromWeightsStoredInBf16) {
  const at::NoGradGuard no_grad;
  const Loaded narrow = Load(kMini21, at::kBFloat16);
  TensorMap wide;
  for (const auto& [name, tensor] : narrow.tensors) wide[name] = tensor.to(at::kFloat);
  const std::vector<int32_t> ids{5, 17, 200, 9, 1};
  const at::Tensor embed = TextEncoder(narrow.config, narrow.tensors, at::kFloat).Encode(ids);
  EXPECT_TRUE(at::equal(embed, TextEncoder(narrow.config, wide).Encode(ids)));
}

TEST(TextEncoder, GradientsReachEveryTensor) {
  Loaded loaded = Load(kData + "oracle/umt5_small.safetensors");
  for (auto& [name, tensor] : loaded.tensors) tensor.requires_grad_();
  const std::vector<int32_t> ids{5, 17, 200, 9, 1};
  TextEncoder(loaded.config, loaded.tensors).Encode(ids).square().sum().backward();
  for (const auto& [name, tensor] : loaded.tensors) {
    ASSERT_TRUE(tensor.grad().defined()) << name;
    EXPECT_GT(tensor.grad().abs().sum().item<double>(), 0) << name;
  }
}

TEST(TextEncoder, ABatchEqualsItsTexts) {
  const at::NoGradGuard no_grad;
  const Loaded loaded = Load(kMini21);
  const TextEncoder encoder(loaded.config, loaded.tensors);
  const std::vector<std::vector<int32_t>> texts{{5, 9, 4, 7, 1}, {1}, {8, 8, 1}};
  const std::vector<at::Tensor> batch = encoder.EncodeBatch(texts);
  for (size_t i = 0; i < texts.size(); ++i) {
    ASSERT_EQ(batch[i].size(0), static_cast<int64_t>(texts[i].size()));
    EXPECT_LT(RelativeError(batch[i], encoder.Encode(texts[i])), 1e-6) << i;
  }
}

TEST(TextEncoder, RefusesForeignIds) {
  const Loaded loaded = Load(kData + "oracle/umt5_small.safetensors");
  const TextEncoder encoder(loaded.config, loaded.tensors);
  EXPECT_THROW(encoder.Encode(std::vector<int32_t>{}), Error);
  EXPECT_THROW(encoder.Encode(std::vector<int32_t>{300}), Error);
  EXPECT_THROW(encoder.Encode(std::vector<int32_t>{-1}), Error);
}

TEST(TextEncoder, RefusesInvalidBucketCounts) {
  Loaded loaded = Load(kData + "oracle/umt5_small.safetensors");
  for (const int64_t buckets : {0, 3, 512}) {
    loaded.config.num_buckets = buckets;
    EXPECT_THROW(TextEncoder(loaded.config, loaded.tensors), Error) << buckets;
  }
}

}  // namespace
}  // namespace t3
