// Ten training steps against PyTorch's (tools/oracle_train.py): losses, gradients, weights.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "arch/dit.h"
#include "base/json.h"
#include "compare.h"
#include "models/dit/dit.h"
#include "nn/load.h"
#include "plan/windows.h"
#include "training/dit/flow.h"
#include "training/dit/recompute.h"
#include "training/loop/local_optimizer.h"

namespace t3 {
namespace {

constexpr int64_t kSteps = 10;

class TrainOracle : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ = WeightFile::Open(T3_SOURCE_DIR "/tests/data/oracle/train.safetensors");
    settings_ = nlohmann::json::parse(file_->metadata().at("settings"));
    config_ = {.dim = settings_["dim"],
               .ffn_dim = settings_["ffn_dim"],
               .num_heads = settings_["num_heads"],
               .num_layers = settings_["num_layers"],
               .latent_channels = settings_["z"],
               .text_dim = settings_["text_dim"],
               .text_len = settings_["text_len"],
               .freq_dim = settings_["freq_dim"]};
    for (const TensorSpec& spec : DitTensors(config_)) {
      leaves_[spec.name] = Stored("start." + spec.name).requires_grad_();
    }
  }

  at::Tensor Stored(const std::string& name) const { return ToTensor(file_->tensors().at(name)); }

  double Backward(int64_t step, const AttentionLayout& attention,
                  const SegmentRunners& runners) const {
    const auto of = [&](const std::string& name) {
      return Stored(fmt::format("{}.{}", step, name));
    };
    const at::Tensor latents = of("latents"), noise = of("noise"), times = of("timesteps");
    const at::Tensor level = (times / 1000).to(at::kFloat).view({-1, 1, 1, 1, 1});
    NoisyBatch batch{(1 - level) * latents + level * noise, noise - latents, {}, at::ones({2}), {}};
    for (int64_t i = 0; i < 2; ++i) batch.timesteps.push_back(times[i].item<double>());
    const Dit dit(config_, leaves_);
    const TextContext text =
        dit.PrepareTexts({of("text.0"), of("text.1")}, ExecutionMode::kDifferentiable);
    const at::Tensor loss =
        FlowLoss(dit.ForwardBatch(batch.noisy, batch.timesteps, text, attention, runners), batch);
    loss.backward();
    return loss.item<double>();
  }

  LocalOptimizer MakeOptimizer() const {
    return {{.lr = settings_["lr"],
             .beta1 = settings_["beta1"],
             .beta2 = settings_["beta2"],
             .weight_decay = settings_["weight_decay"],
             .clip = settings_["clip"]},
            0,
            leaves_};
  }

  // Of a batch of two videos.
  AttentionLayout Attention() const {
    const at::Tensor latents = Stored("0.latents");
    const Grid grid{latents.size(2), latents.size(3) / 2, latents.size(4) / 2};
    return AttentionLayout::Make(AttentionPattern::kT3,
                                 ParseWindows(file_->metadata().at("windows")), grid,
                                 config_.num_layers, config_.head_dim(), at::kCPU)
        .Repeat(2);
  }

  void ExpectTenSteps(const SegmentRunners& runners) {
    LocalOptimizer optimizer = MakeOptimizer();
    const at::Tensor losses = Stored("losses"), norms = Stored("norms");
    const AttentionLayout attention = Attention();
    for (int64_t step = 0; step < kSteps; ++step) {
      const double loss = Backward(step, attention, runners);
      const double want = losses[step].item<double>();
      EXPECT_NEAR(loss, want, kTolerance * want) << step;
      if (step == 0) ExpectGradients();
      const double norm = norms[step].item<double>();
      EXPECT_NEAR(optimizer.ClipGradients(), norm, kTolerance * norm) << step;
      optimizer.Step(settings_["lr"]);
    }
    for (const auto& [name, leaf] : leaves_) {
      EXPECT_LT(RelativeL2(leaf.detach(), Stored("end." + name)), kTolerance) << name;
    }
  }

  void ExpectGradients() const {
    for (const auto& [name, leaf] : leaves_) {
      const at::Tensor want = Stored("gradient." + name);
      EXPECT_LT(RelativeL2(leaf.grad(), want), kTolerance) << name;
    }
  }

  // fp32 sums of some hundred terms differ by about sqrt(300) * 2^-24 = 1e-6 with their order;
  // ten steps of Adam, whose division by sqrt(v) passes relative errors on, add up to ten of them.
  static constexpr double kTolerance = 1e-4;

  std::shared_ptr<const WeightFile> file_;
  nlohmann::json settings_;
  DitConfig config_;
  TensorMap leaves_;
};

// The first latent frame of the first video is given; the others of a batch are not conditioned.
TEST_F(TrainOracle, ImageToVideoEqualsPyTorch) {
  const at::Tensor latents = Stored("0.latents"), noise = Stored("0.noise");
  const at::Tensor times = Stored("0.timesteps");
  const Grid grid{latents.size(2), latents.size(3) / 2, latents.size(4) / 2};
  for (const auto& [name, videos] : {std::pair{"one", int64_t{1}}, {"mixed", int64_t{2}}}) {
    const at::Tensor x = latents.narrow(0, 0, videos), n = noise.narrow(0, 0, videos);
    const at::Tensor level =
        (times.narrow(0, 0, videos) / 1000).to(at::kFloat).view({-1, 1, 1, 1, 1});
    NoisyBatch batch{
        (1 - level) * x + level * n, n - x, {}, at::ones({videos}), std::vector<int64_t>(videos)};
    batch.clean_frames[0] = 1;
    batch.noisy[0].select(1, 0).copy_(x[0].select(1, 0));
    std::vector<at::Tensor> texts;
    for (int64_t i = 0; i < videos; ++i) {
      batch.timesteps.push_back(times[i].item<double>());
      texts.push_back(Stored(fmt::format("0.text.{}", i)));
    }
    for (const bool recomputed : {false, true}) {
      for (const auto& [_, leaf] : leaves_) leaf.mutable_grad().reset();
      const Dit dit(config_, leaves_);
      const AttentionLayout attention =
          AttentionLayout::Make(AttentionPattern::kT3,
                                ParseWindows(file_->metadata().at("windows")), grid,
                                config_.num_layers, config_.head_dim(), at::kCPU)
              .Repeat(videos);
      const SegmentRunners runners = recomputed ? Recompute(false) : SegmentRunners{};
      const at::Tensor velocity = dit.ForwardBatch(
          batch.noisy, batch.timesteps, dit.PrepareTexts(texts, ExecutionMode::kDifferentiable),
          attention, runners, batch.clean_frames);
      const at::Tensor loss = FlowLoss(velocity, batch);
      loss.backward();
      const std::string prefix = fmt::format("image.{}.", name);
      const double want = Stored(prefix + "loss").item<double>();
      EXPECT_NEAR(loss.item<double>(), want, kTolerance * want) << name;
      for (const char* weight :
           {"patch_embedding.weight", "time_embedding.0.weight", "blocks.0.modulation",
            "blocks.1.ffn.0.weight", "head.modulation", "head.head.weight"}) {
        EXPECT_LT(RelativeL2(leaves_.at(weight).grad(), Stored(prefix + weight)), kTolerance)
            << name << " " << weight;
      }
    }
  }
}

TEST_F(TrainOracle, TenStepsEqualPyTorch) { ExpectTenSteps({}); }
TEST_F(TrainOracle, SoTheyDoWithActivationCheckpoints) { ExpectTenSteps(Recompute(false)); }

// The comparison sees a rate that is off by 1 %.
TEST_F(TrainOracle, AnotherRateShows) {
  LocalOptimizer optimizer = MakeOptimizer();
  const AttentionLayout attention = Attention();
  for (int64_t step = 0; step < kSteps; ++step) {
    Backward(step, attention, {});
    optimizer.ClipGradients();
    optimizer.Step(1.01 * settings_["lr"].get<double>());
  }
  const std::string name = "blocks.0.ffn.0.weight";
  EXPECT_GT(RelativeL2(leaves_[name].detach(), Stored("end." + name)), 5 * kTolerance);
}

}  // namespace
}  // namespace t3
