// Activation checkpoints give the gradients of a plain run.
#include "training/recompute.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "training/synthetic_source.h"

namespace t3 {
namespace {

TensorMap GradientsOf(const std::string& activations, const nlohmann::json& more) {
  nlohmann::json fields{{"activation_checkpoints", activations}};
  if (!more.is_null()) fields.update(more);
  const TrainConfig config = MiniConfig("unused", fields);
  const auto task = MiniTask(config);
  task->Accumulate(0, 0, 1);
  TensorMap gradients;
  for (const auto& [name, leaf] : task->leaves()) gradients[name] = leaf.grad();
  return gradients;
}

void ExpectEqualGradients(const nlohmann::json& more) {
  const TensorMap plain = GradientsOf("none", more);
  for (const char* activations : {"block", "offload"}) {
    const TensorMap other = GradientsOf(activations, more);
    for (const auto& [name, gradient] : plain) {
      ASSERT_TRUE(gradient.defined()) << name;
      ASSERT_TRUE(other.at(name).defined()) << name;
      EXPECT_TRUE(other.at(name).equal(gradient)) << activations << " " << name;
    }
  }
}

TEST(Recompute, GradientsAreEqual) { ExpectEqualGradients({}); }
TEST(Recompute, GradientsOfBf16AreEqual) { ExpectEqualGradients({{"dtype", "bf16"}}); }
TEST(Recompute, GradientsOfTheTextEncoderAreEqual) {
  ExpectEqualGradients({{"train_text_encoder", true}});
}
// Nothing that enters the first block needs a gradient here; its weights do.
TEST(Recompute, GradientsOfLoraAreEqual) {
  ExpectEqualGradients({{"lora", {{"rank", 2}, {"targets", {"self_attn.q", "ffn.0"}}}}});
}

}  // namespace
}  // namespace t3
