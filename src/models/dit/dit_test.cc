// The denoiser against the published code's numbers, and its invariances.
#include "models/dit/dit.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>

#include "arch/dit.h"
#include "base/check.h"
#include "models/dit/weights.h"
#include "nn/load.h"
#include "plan/chunks.h"
#include "weights/weight_file.h"

namespace t3 {
namespace {

const at::Device kDevice(T3_TEST_DEVICE);

TensorMap ReadAll(const std::string& path) {
  const std::shared_ptr<const WeightFile> file = WeightFile::Open(path);
  TensorMap tensors;
  for (const auto& [name, view] : file->tensors()) {
    if (view.dtype != DType::kF32 && view.dtype != DType::kBF16) continue;
    tensors[name] = ToTensor(view).to(kDevice, at::kFloat);
  }
  return tensors;
}

double RelativeL2(const at::Tensor& got, const at::Tensor& want) {
  T3_CHECK(got.sizes() == want.sizes(), "shapes ({}) and ({})", fmt::join(got.sizes(), ", "),
           fmt::join(want.sizes(), ", "));
  const at::Tensor a = got.to(at::kDouble), b = want.to(at::kDouble);
  const double distance = ((a - b).norm() / b.norm()).item<double>();
  return std::isnan(distance) ? INFINITY : distance;
}

struct ReferenceCase {
  std::string folder;
  int64_t latent_channels;
  WindowCycle cycle;
  double bf16_distance;  // of the published bf16 run from fp32, after 6 Euler steps
};

const ReferenceCase kCase21{
    "mini2.1", 16, {{3, 1, 1}, {1, 2, 4}, {1, 4, 2}, {3, 2, 2}, {1, 1, 8}}, 0.02951221913099289};
const ReferenceCase kCase22{
    "mini2.2", 48, {{2, 1, 1}, {1, 2, 3}, {1, 4, 2}, {2, 2, 1}, {1, 1, 6}}, 0.029858708381652832};

class DitReference : public ::testing::TestWithParam<ReferenceCase> {
 protected:
  void SetUp() override {
    c10::GradMode::set_enabled(false);
    const std::string root = T3_SOURCE_DIR "/tests/data/reference/" + GetParam().folder;
    weights_ = ReadAll(root + "/diffusion_pytorch_model.safetensors");
    expected_ = ReadAll(root + ".expected.safetensors");
    config_ = {.dim = 128,
               .ffn_dim = 48,
               .num_heads = 4,
               .num_layers = 5,
               .latent_channels = GetParam().latent_channels,
               .text_dim = 64};
  }
  void TearDown() override { c10::GradMode::set_enabled(true); }

  at::Tensor Expected(const std::string& name) const { return GetTensor(expected_, name)[0]; }
  AttentionLayout Attention(AttentionPattern pattern) const {
    const at::Tensor noise = Expected("noise.seed7");
    const Grid grid{noise.size(1), noise.size(2) / 2, noise.size(3) / 2};
    return AttentionLayout::Make(pattern, GetParam().cycle, grid, 5, config_.head_dim(), kDevice);
  }
  Dit Model(at::ScalarType dtype) const {
    TensorMap cast;
    for (const auto& [name, tensor] : weights_) cast[name] = tensor.to(dtype);
    return {config_, cast};
  }
  // Euler with guidance from noise.seed7, prompt 0 against the negative prompt.
  at::Tensor Sample(const Dit& dit, const AttentionLayout& attention, int steps, int stop,
                    double guidance, double shift) const {
    const TextContext prompt = dit.PrepareText(GetTensor(expected_, "text.0.embed"));
    const TextContext negative = dit.PrepareText(GetTensor(expected_, "text.3.embed"));
    at::Tensor x = Expected("noise.seed7");
    for (int i = 0; i < stop; ++i) {
      const auto sigma = [&](int j) {
        const double s = 1.0 - static_cast<double>(j) / steps;
        return shift * s / (1 + (shift - 1) * s);
      };
      const at::Tensor v = dit.Forward(x, 1000 * sigma(i), 0, prompt, attention);
      const at::Tensor u = dit.Forward(x, 1000 * sigma(i), 0, negative, attention);
      x = x + (u + guidance * (v - u)) * (sigma(i + 1) - sigma(i));
    }
    return x;
  }

  TensorMap weights_, expected_;
  DitConfig config_;
};

TEST_P(DitReference, OneStepEqualsThePublishedCode) {
  const at::Tensor x = Sample(Model(at::kFloat), Attention(AttentionPattern::kT3), 6, 1, 5, 5);
  EXPECT_LT(RelativeL2(x, Expected("t3.step1")), 3e-6);
}

TEST_P(DitReference, SixStepsEqualThePublishedCode) {
  const at::Tensor x = Sample(Model(at::kFloat), Attention(AttentionPattern::kT3), 6, 6, 5, 5);
  EXPECT_LT(RelativeL2(x, Expected("t3.latents")), 1e-5);
}

TEST_P(DitReference, FullAttentionEqualsThePublishedCode) {
  const at::Tensor x = Sample(Model(at::kFloat), Attention(AttentionPattern::kFull), 4, 4, 3, 8);
  EXPECT_LT(RelativeL2(x, Expected("full.latents")), 1e-5);
}

TEST_P(DitReference, Bf16IsNoFurtherThanThePublishedBf16) {
  const at::Tensor x = Sample(Model(at::kBFloat16), Attention(AttentionPattern::kT3), 6, 6, 5, 5);
  const double distance = RelativeL2(x, Expected("t3.latents"));
  RecordProperty("distance", fmt::format("{}", distance));
  EXPECT_LT(distance, GetParam().bf16_distance);
  EXPECT_GT(distance, 1e-4);  // it was bf16
}

TEST_P(DitReference, ChunksOfTokensAndHeadGroupsChangeNothing) {
  Dit dit = Model(at::kFloat);
  const AttentionLayout attention = Attention(AttentionPattern::kT3);
  const at::Tensor whole = Sample(dit, attention, 6, 1, 5, 5);
  dit.set_scratch_bytes(1);
  EXPECT_LT(RelativeL2(Sample(dit, attention, 6, 1, 5, 5), whole), 1e-6);
  dit.set_scratch_bytes(40'000);
  EXPECT_LT(RelativeL2(Sample(dit, attention, 6, 1, 5, 5), whole), 1e-6);
}

// A loader that puts q, k and v side by side avoids a second copy of them.
TEST_P(DitReference, PackedPlacesAreUsedAsTheyLieAndGiveTheSameBits) {
  const AttentionLayout attention = Attention(AttentionPattern::kT3);
  const at::Tensor want = Sample(Model(at::kFloat), attention, 6, 1, 5, 5);
  QkvPlaces places(config_, kDevice);
  TensorMap placed = weights_;
  int count = 0;
  for (auto& [name, tensor] : placed) {
    const at::Tensor place = places(name, at::kFloat);
    if (!place.defined()) continue;
    tensor = place.copy_(tensor);
    ++count;
  }
  EXPECT_EQ(count, 5 * 3 * 2);
  const auto linear = [&](const char* part) {
    return Linear(placed, std::string("blocks.2.self_attn.") + part);
  };
  const Linear packed = Concatenate({linear("q"), linear("k"), linear("v")});
  EXPECT_EQ(packed.weight.const_data_ptr(), linear("q").weight.const_data_ptr());
  EXPECT_EQ(packed.bias.const_data_ptr(), linear("q").bias.const_data_ptr());
  EXPECT_FALSE(Concatenate({linear("q"), linear("v")}).weight.is_alias_of(packed.weight));
  EXPECT_TRUE(at::equal(Sample(Dit(config_, placed), attention, 6, 1, 5, 5), want));
}

// Blocks stored in bf16 and converted as they are used, for CPUs that compute in fp32.
TEST_P(DitReference, WeightsStoredInBf16ComputeInFp32) {
  const AttentionLayout attention = Attention(AttentionPattern::kT3);
  const auto host =
      std::make_shared<HostWeights>(config_, at::kBFloat16, /*pinned=*/kDevice.is_cuda());
  TensorMap outside, all;
  for (const auto& [name, tensor] : weights_) {
    at::Tensor place = host->Place(name);
    if (place.defined()) {
      all[name] = place.copy_(tensor).to(tensor.device(), at::kFloat);
    } else {
      outside[name] = all[name] = tensor.to(at::kFloat);
    }
  }
  const Dit resident(config_, all), converted(config_, outside, host);
  EXPECT_EQ(converted.dtype(), at::kFloat);
  EXPECT_TRUE(
      at::equal(Sample(converted, attention, 6, 4, 5, 5), Sample(resident, attention, 6, 4, 5, 5)));
}

// Blocks in host memory that pass through two buffers, over several steps and both branches.
TEST_P(DitReference, WeightsOnTheHostGiveTheSameBits) {
  const AttentionLayout attention = Attention(AttentionPattern::kT3);
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const auto host = std::make_shared<HostWeights>(config_, dtype, /*pinned=*/kDevice.is_cuda());
    TensorMap outside, all;
    int in_blocks = 0;
    for (const auto& [name, tensor] : weights_) {
      const at::Tensor cast = tensor.to(IsFloatTensor(name) ? at::kFloat : dtype);
      all[name] = cast;
      at::Tensor place = host->Place(name);
      if (place.defined()) {
        place.copy_(cast);
        ++in_blocks;
      } else {
        outside[name] = cast;
      }
    }
    EXPECT_EQ(in_blocks, 5 * 27);
    const Dit resident(config_, all), streamed(config_, outside, host);
    EXPECT_TRUE(
        at::equal(Sample(streamed, attention, 6, 4, 5, 5), Sample(resident, attention, 6, 4, 5, 5)))
        << toString(dtype);
    // Batches need all blocks on the device.
    const at::Tensor x = Expected("noise.seed7");
    const TextContext text = streamed.PrepareTexts({GetTensor(expected_, "text.0.embed")},
                                                   ExecutionMode::kDifferentiable);
    EXPECT_THROW(streamed.ForwardBatch(x.unsqueeze(0), {500}, text, attention), Error);
  }
}

// The same of e4m3 codes, whose scales are streamed with them.
TEST_P(DitReference, CodesOnTheHostGiveTheSameBits) {
  const AttentionLayout attention = Attention(AttentionPattern::kT3);
  const at::ScalarType dtype = kDevice.is_cuda() ? at::kBFloat16 : at::kFloat;
  TensorMap wide;
  for (const auto& [name, tensor] : weights_)
    wide[name] = tensor.to(IsFloatTensor(name) ? at::kFloat : dtype);
  const TensorMap all = WithFp8Weights(wide);
  EXPECT_EQ(all.size(), wide.size() + static_cast<size_t>(8 * config_.num_layers));
  const auto host =
      std::make_shared<HostWeights>(config_, dtype, /*pinned=*/kDevice.is_cuda(), /*fp8=*/true);
  TensorMap outside;
  for (const auto& [name, tensor] : all) {
    at::Tensor place = host->Place(name);
    if (place.defined()) {
      place.copy_(tensor);
    } else {
      outside[name] = tensor;
    }
  }
  const Dit resident(config_, all), streamed(config_, outside, host);
  EXPECT_TRUE(
      at::equal(Sample(streamed, attention, 6, 4, 5, 5), Sample(resident, attention, 6, 4, 5, 5)));
}

TEST_P(DitReference, BothBranchesTogetherGiveTheSameBits) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    Dit dit = Model(dtype);
    const AttentionLayout attention = Attention(AttentionPattern::kT3);
    const TextContext prompt = dit.PrepareText(GetTensor(expected_, "text.0.embed"));
    const TextContext negative = dit.PrepareText(GetTensor(expected_, "text.3.embed"));
    const at::Tensor x = Expected("noise.seed7");
    // With one byte of scratch memory nothing is shared.
    for (const int64_t scratch_bytes : {int64_t{1} << 30, int64_t{1}}) {
      dit.set_scratch_bytes(scratch_bytes);
      for (const int64_t clean_frames : {0, 1}) {
        const auto [with_prompt, with_negative] =
            dit.ForwardBoth(x, 700, clean_frames, {&prompt, &negative}, attention);
        const auto expect_same = [&](const at::Tensor& shared, const TextContext& text) {
          const at::Tensor alone = dit.Forward(x, 700, clean_frames, text, attention);
          EXPECT_TRUE(at::equal(shared, alone)) << (shared - alone).abs().max().item<double>();
        };
        SCOPED_TRACE(fmt::format("{}, {} bytes of scratch memory, {} clean frames",
                                 at::toString(dtype), scratch_bytes, clean_frames));
        expect_same(with_prompt, prompt);
        expect_same(with_negative, negative);
        EXPECT_FALSE(at::equal(with_prompt, with_negative));
      }
    }
  }
}

TEST(TokenChunks, CoverAllTokensWithinTheBudget) {
  for (int64_t tokens : {1, 255, 256, 257, 1000, 685'440}) {
    for (int64_t max_tokens : {1, 7, 255, 256, 300, 70'000, 1'000'000}) {
      const int64_t chunk = ChunkTokens(tokens, 10, 10 * max_tokens + 5);
      EXPECT_LE(chunk, max_tokens);
      int64_t covered = 0;
      ForEachChunk(tokens, chunk, [&](int64_t first, int64_t count) {
        EXPECT_EQ(first, covered);
        covered += count;
      });
      EXPECT_EQ(covered, tokens);
    }
  }
}

TEST_P(DitReference, DifferentiableExecutionComputesTheSame) {
  const Dit dit = Model(at::kFloat);
  const AttentionLayout attention = Attention(AttentionPattern::kT3);
  const at::Tensor x = Expected("noise.seed7"), embeds = GetTensor(expected_, "text.0.embed");
  const at::Tensor in_place = dit.Forward(x, 700, 0, dit.PrepareText(embeds), attention);
  for (const bool gradients : {false, true}) {
    c10::GradMode::set_enabled(gradients);
    const at::Tensor batch =
        dit.ForwardBatch(x.unsqueeze(0), {700},
                         dit.PrepareTexts({embeds}, ExecutionMode::kDifferentiable), attention);
    EXPECT_LT(RelativeL2(batch[0], in_place), 1e-6) << gradients;
  }
}

// Forward is without gradients whatever the thread's mode is: nothing of it is stored for a
// backward pass, and the bits do not depend on it.
TEST_P(DitReference, ForwardDoesNotDependOnTheGradientMode) {
  TensorMap leaves;
  for (const auto& [name, tensor] : weights_) leaves[name] = tensor.clone().requires_grad_();
  const Dit dit(config_, leaves);
  const AttentionLayout attention = Attention(AttentionPattern::kT3);
  const at::Tensor x = Expected("noise.seed7"), embeds = GetTensor(expected_, "text.0.embed");
  const at::Tensor want = dit.Forward(x, 700, 0, dit.PrepareText(embeds), attention);
  c10::GradMode::set_enabled(true);
  const at::Tensor got = dit.Forward(x, 700, 0, dit.PrepareText(embeds), attention);
  EXPECT_FALSE(got.requires_grad());
  EXPECT_TRUE(at::equal(got, want));
}

// A clean frame has timestep 0: with a timestep of 0 for all, marking frames clean changes nothing.
TEST_P(DitReference, CleanFramesTakeTimestepZero) {
  const Dit dit = Model(at::kFloat);
  const AttentionLayout attention = Attention(AttentionPattern::kT3);
  const TextContext text = dit.PrepareText(GetTensor(expected_, "text.0.embed"));
  const at::Tensor x = Expected("noise.seed7");
  const at::Tensor all = dit.Forward(x, 0, 0, text, attention);
  EXPECT_LT(RelativeL2(dit.Forward(x, 0, 1, text, attention), all), 1e-6);
  const at::Tensor noisy = dit.Forward(x, 800, 0, text, attention);
  EXPECT_LT(RelativeL2(dit.Forward(x, 800, x.size(1), text, attention), all), 1e-6);
  const at::Tensor mixed = dit.Forward(x, 800, 1, text, attention);
  EXPECT_GT(RelativeL2(mixed, all), 1e-3);
  EXPECT_GT(RelativeL2(mixed, noisy), 1e-3);
}

TEST_P(DitReference, WrongInputsAreNamed) {
  const Dit dit = Model(at::kFloat);
  const AttentionLayout attention = Attention(AttentionPattern::kT3);
  EXPECT_THROW(dit.PrepareText(at::zeros({513, 64})), Error);
  EXPECT_THROW(dit.PrepareText(at::zeros({5, 63})), Error);
  const TextContext text = dit.PrepareText(at::zeros({512, 64}));
  EXPECT_THROW(dit.Forward(at::zeros({4, 3, 8, 16}, kDevice), 1, 0, text, attention), Error);
  const at::Tensor x = Expected("noise.seed7");
  EXPECT_THROW(dit.Forward(x.narrow(2, 0, 4), 1, 0, text, attention), Error);
  EXPECT_THROW(dit.Forward(x, 1, 99, text, attention), Error);
  EXPECT_THROW(dit.Forward(x, 1, 0, TextContext(), attention), Error);
}

// Patterns and windows, even and uneven: the batch's windows are those of its videos.
TEST_P(DitReference, BatchEqualsItsVideosAndTheirGradients) {
  c10::GradMode::set_enabled(true);
  constexpr ExecutionMode kMode = ExecutionMode::kDifferentiable;
  const at::Tensor noise = Expected("noise.seed7");
  const Grid grid{noise.size(1), noise.size(2) / 2, noise.size(3) / 2};
  const WindowCycle uneven{{1, 1, 1}, {2, 2, 3}, {1, 3, 5}};
  const at::Tensor latents = at::stack({noise, noise.flip(1) * 0.5, noise.flip(3)});
  const std::vector<double> timesteps{900, 20.5, 431};
  const at::Tensor embeds = GetTensor(expected_, "text.0.embed");
  const std::vector<at::Tensor> texts{embeds, GetTensor(expected_, "text.3.embed"),
                                      embeds.narrow(0, 0, 2)};
  for (const AttentionPattern pattern :
       {AttentionPattern::kT3, AttentionPattern::kFull, AttentionPattern::kClose,
        AttentionPattern::kRemote, AttentionPattern::kSwin}) {
    const AttentionLayout attention =
        AttentionLayout::Make(pattern, uneven, grid, 5, config_.head_dim(), kDevice);
    TensorMap leaves;
    for (const auto& [name, tensor] : weights_) leaves[name] = tensor.clone().requires_grad_();
    const auto gradients = [&](const at::Tensor& loss) {
      loss.backward();
      TensorMap found;
      for (auto& [name, leaf] : leaves) {
        found[name] = leaf.grad().clone();
        leaf.mutable_grad().reset();
      }
      return found;
    };
    const Dit dit(config_, leaves);
    const at::Tensor batch =
        dit.ForwardBatch(latents, timesteps, dit.PrepareTexts(texts, kMode), attention.Repeat(3));
    const TensorMap together = gradients(batch.square().sum());
    at::Tensor loss = at::zeros({}, kDevice);
    for (int64_t i = 0; i < 3; ++i) {
      const at::Tensor one = dit.ForwardBatch(latents.narrow(0, i, 1), {timesteps[i]},
                                              dit.PrepareTexts({texts[i]}, kMode), attention)[0];
      EXPECT_LT(RelativeL2(batch[i].detach(), one.detach()), 1e-6) << static_cast<int>(pattern);
      loss = loss + one.square().sum();
    }
    for (const auto& [name, want] : gradients(loss)) {
      EXPECT_LT(RelativeL2(together.at(name), want), 2e-5) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, DitReference, ::testing::Values(kCase21, kCase22),
                         [](const auto& test) {
                           return test.param.latent_channels == 16 ? "Wan21" : "Wan22";
                         });

}  // namespace
}  // namespace t3
