// The text encoder's names and sizes.
#include "arch/text_encoder.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace t3 {
namespace {

TEST(TextEncoderTensors, SizesComeFromTensors) {
  const TextEncoderConfig config{.dim = 12,
                                 .ffn_dim = 20,
                                 .num_heads = 3,
                                 .attention_dim = 18,
                                 .num_layers = 2,
                                 .vocab_size = 50,
                                 .num_buckets = 8};
  NamedViews views;
  for (const TensorSpec& spec : TextEncoderTensors(config)) {
    views.tensors[spec.name] = {DType::kBF16, spec.shape, nullptr, 0};
  }
  EXPECT_EQ(ReadTextEncoderConfig(views), config);
  views.tensors["blocks.0.pos_embedding.embedding.weight"].shape = {8, 5};
  EXPECT_THROW(ReadTextEncoderConfig(views), Error);  // 18 channels in 5 heads
  views.tensors.erase("blocks.0.pos_embedding.embedding.weight");
  EXPECT_THROW(ReadTextEncoderConfig(views), Error);
}

TEST(TextEncoderTensors, BothNamesOfTheEmbedding) {
  for (const char* name : {"shared.weight", "encoder.embed_tokens.weight", "token_embedding.weight",
                           "model.shared.weight"}) {
    const auto match = FindCanonical(TextEncoderNaming(), name);
    ASSERT_TRUE(match) << name;
    EXPECT_EQ(match->name, "token_embedding.weight");
  }
  EXPECT_FALSE(FindCanonical(TextEncoderNaming(), "decoder.block.0.layer.0.layer_norm.weight"));
}

}  // namespace
}  // namespace t3
