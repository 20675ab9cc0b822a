// The text encoder's names and sizes.
#include "arch/text_encoder.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

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

// The pairs of names are those of the Python package gguf.
TEST(TextEncoderTensors, NamesOfLlamaCpp) {
  std::ifstream file(T3_SOURCE_DIR "/tests/data/oracle/gguf.tokenizer.json");
  const auto names = nlohmann::json::parse(file).at("names");
  EXPECT_EQ(names.size(), 22u);
  for (const auto& [transformers, llama] : names.items()) {
    const auto wanted = FindCanonical(TextEncoderNaming(), transformers);
    const auto match = FindCanonical(TextEncoderNaming(), llama.get<std::string>());
    ASSERT_TRUE(wanted && match) << transformers;
    EXPECT_EQ(match->name, wanted->name);
    EXPECT_EQ(match->style, "llama.cpp");
  }
}

}  // namespace
}  // namespace t3
