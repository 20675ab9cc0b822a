// Activation checkpoints give the gradients of a plain run.
#include "training/dit/recompute.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "arch/dit.h"
#include "nn/load.h"
#include "training/dit/lora.h"
#include "training/dit/testing/synthetic_source.h"

namespace t3 {
namespace {

TensorMap GradientsOf(const std::string& activations, const nlohmann::json& more) {
  nlohmann::json fields{{"activation_checkpoints", activations}};
  if (!more.is_null()) fields.update(more);
  const DitTrainConfig config = MiniConfig("unused", fields);
  const auto task = MiniTask(config);
  task->ForwardBackward(0, 0, 1);
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

// Within little memory the part of a block after its attention is cut into pieces of tokens. The
// weights' gradients are then sums over pieces, equal but for the order of fp32 additions.
void ExpectPiecesChangeNothing(const TensorMap& leaves, const std::function<TensorMap()>& weights) {
  const ModelInfo model = MiniModel();
  const StepRandom random(1, 2, 3);
  const at::Tensor latents = random.Normal(Draw::kNoise, {1, 16, 2, 4, 8}, at::kCPU);
  const at::Tensor text = random.Normal(Draw::kBatch, {5, 64}, at::kCPU);
  const AttentionLayout attention =
      AttentionLayout::Make(AttentionPattern::kT3, {{1, 2, 2}}, {2, 2, 4}, model.dit.num_layers,
                            model.dit.head_dim(), at::kCPU);
  const auto gradients = [&](const SegmentRunners& runners, int64_t scratch_bytes) {
    Dit dit(model.dit, weights());
    dit.set_scratch_bytes(scratch_bytes);
    dit.ForwardBatch(latents, {700}, dit.PrepareTexts({text}, ExecutionMode::kDifferentiable),
                     attention, runners)
        .square()
        .sum()
        .backward();
    TensorMap found;
    for (const auto& [name, leaf] : leaves) {
      found[name] = leaf.grad();
      leaf.mutable_grad().reset();
    }
    return found;
  };
  const TensorMap plain = gradients({}, 1 << 30);
  const TensorMap pieces = gradients(Recompute(false), 50'000);
  bool cut = false;
  for (const auto& [name, gradient] : plain) {
    const double distance = ((pieces.at(name) - gradient).norm() / gradient.norm()).item<double>();
    EXPECT_LT(distance, 1e-5) << name;
    cut = cut || distance > 0;
  }
  EXPECT_TRUE(cut);  // there were pieces
}

TEST(Recompute, PiecesOfTokensChangeNothing) {
  const auto task = MiniTask(MiniConfig("unused"));
  TensorMap leaves;
  for (const auto& [name, leaf] : task->leaves()) leaves[name.substr(4)] = leaf;  // "dit."
  ExpectPiecesChangeNothing(leaves, [&] { return leaves; });
}

TEST(Recompute, PiecesOfTokensChangeNothingUnderLora) {
  const ModelInfo model = MiniModel();
  const TensorMap frozen =
      LoadTensors(model.dit_views, DitTensors(model.dit), DitNaming(), LoadOptions());
  TensorMap factors = InitLora({}, DitTensors(model.dit), 1, at::kCPU);
  for (auto& [name, factor] : factors) {
    if (name.ends_with("lora_B.weight"))
      factor = (0.02 * at::randn(factor.sizes())).requires_grad_();
  }
  ExpectPiecesChangeNothing(factors, [&] { return ApplyLora(frozen, factors, {}); });
}

}  // namespace
}  // namespace t3
