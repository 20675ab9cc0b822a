// The VAE against its description: chunks, slabs, odd sizes, gradients, checks.
#include "models/vae/vae.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/vae.h"
#include "models/vae/testing/random_vae.h"
#include "models/vae/testing/reference_vae.h"
#include "t3video/error.h"

namespace t3 {
namespace {

double LargestDifference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  if (a.sizes() != b.sizes()) return INFINITY;
  return (a - b).abs().max().item<double>();  // NaN if either has one
}

struct Case {
  VaeVersion version;
  int64_t frames, rows, columns;  // of the latents
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << (c.version == VaeVersion::k21 ? "2.1" : "2.2") << " latents " << c.frames << "x" << c.rows
       << "x" << c.columns;
}

class VaeSizes : public testing::TestWithParam<Case> {
 protected:
  VaeSizes()
      : config_(SmallVaeConfig(GetParam().version, 5, 4, 6)),
        tensors_(RandomVaeTensors(config_, 11)),
        vae_(config_, tensors_) {}

  at::Tensor Latents() const {
    const Case& c = GetParam();
    return SeededNoise({config_.latent_channels, c.frames, c.rows, c.columns}, 3);
  }
  at::Tensor Video() const {
    const Case& c = GetParam();
    const int64_t stride = config_.spatial_stride();
    return SeededNoise({3, 4 * c.frames - 3, c.rows * stride, c.columns * stride}, 4).clamp(-1, 1);
  }

  c10::NoGradGuard no_grad_;
  VaeConfig config_;
  TensorMap tensors_;
  Vae vae_;
};

TEST_P(VaeSizes, ChunkedDecodeEqualsWholeSequence) {
  const at::Tensor latents = Latents();
  EXPECT_LT(LargestDifference(vae_.Decode(latents), ReferenceDecode(config_, tensors_, latents)),
            1e-5);
}

TEST_P(VaeSizes, ChunkedEncodeEqualsWholeSequence) {
  const at::Tensor video = Video();
  EXPECT_LT(LargestDifference(vae_.Encode(video), ReferenceEncode(config_, tensors_, video)), 1e-5);
}

TEST_P(VaeSizes, OnePassEqualsChunks) {
  const at::Tensor mean = at::tensor(config_.mean).to(at::kFloat).view({-1, 1, 1, 1});
  const at::Tensor std = at::tensor(config_.std).to(at::kFloat).view({-1, 1, 1, 1});
  const at::Tensor latents = Latents(), video = Video();
  EXPECT_LT(LargestDifference(vae_.DecodeUnclamped(latents * std + mean).clamp(-1, 1),
                              vae_.Decode(latents)),
            1e-5);
  const at::Tensor moments = vae_.EncodeMoments(video);
  EXPECT_EQ(moments.size(0), 2 * config_.latent_channels);
  EXPECT_LT(LargestDifference((moments.narrow(0, 0, 5) - mean) / std, vae_.Encode(video)), 1e-5);
}

TEST_P(VaeSizes, SlabsChangeNothing) {
  // A row of any layer passes 100 elements, so every slab is one row; few query rows at a time.
  const Vae slabs(config_, tensors_, {.slab_elements = 100, .score_bytes = 200});
  const at::Tensor latents = Latents(), video = Video();
  EXPECT_LT(LargestDifference(slabs.DecodeUnclamped(latents), vae_.DecodeUnclamped(latents)), 1e-5);
  EXPECT_LT(LargestDifference(slabs.Encode(video), vae_.Encode(video)), 1e-5);
}

TEST_P(VaeSizes, ChannelsLastChangesNothing) {
  // The layout that Prepare chooses on a GPU, where layers must keep it.
  const Decoder decoder(config_, tensors_, {});
  const at::Tensor z = Latents().unsqueeze(0);
  Decoder::State plain = decoder.NewState(), last = decoder.NewState();
  const at::Tensor expected = decoder(z, plain);
  const at::Tensor y = decoder(z.contiguous(at::MemoryFormat::ChannelsLast3d), last);
  EXPECT_LT(LargestDifference(y, expected), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, VaeSizes,
    testing::Values(Case{VaeVersion::k21, 1, 3, 2}, Case{VaeVersion::k21, 2, 2, 5},
                    Case{VaeVersion::k21, 5, 3, 1}, Case{VaeVersion::k22, 1, 1, 3},
                    Case{VaeVersion::k22, 2, 3, 2}, Case{VaeVersion::k22, 5, 1, 2}));

// Published ones have every width a quarter of Wan's; of others the decoder alone is
// narrower.
TEST(PrunedVae, WidthsComeFromTheTensors) {
  const c10::NoGradGuard no_grad;
  for (const VaeConfig& sizes :
       {SmallVaeConfig(VaeVersion::k21, 16, 24, 24), SmallVaeConfig(VaeVersion::k22, 48, 10, 8)}) {
    const TensorMap tensors = RandomVaeTensors(sizes, 41);
    NamedViews views;
    for (const auto& [name, tensor] : tensors)
      views.tensors[name] = {DType::kF32, tensor.sizes().vec(), nullptr, 0};
    VaeConfig config = ReadVaeConfig(views, nullptr);
    EXPECT_EQ(config.encoder_dim, sizes.encoder_dim);
    EXPECT_EQ(config.decoder_dim, sizes.decoder_dim);
    const Vae vae(config, tensors);
    const at::Tensor latents = SeededNoise({config.latent_channels, 2, 3, 2}, 42);
    EXPECT_LT(LargestDifference(vae.Decode(latents), ReferenceDecode(config, tensors, latents)),
              1e-5);
    const int64_t stride = config.spatial_stride();
    const at::Tensor video = SeededNoise({3, 5, 2 * stride, 3 * stride}, 43).clamp(-1, 1);
    const EncodePlan plan = MakeEncodePlan(config, {2, 2, 3}, 4, 2, 1);
    const at::Tensor encoded = vae.EncodeFrom(
        plan, [&](int64_t frame, int64_t count) { return video.narrow(1, frame, count); });
    EXPECT_LT(LargestDifference(encoded, ReferenceEncode(config, tensors, video)), 1e-5);
  }
}

class VaeOf : public testing::TestWithParam<VaeVersion> {};
INSTANTIATE_TEST_SUITE_P(Both, VaeOf, testing::Values(VaeVersion::k21, VaeVersion::k22));

TEST_P(VaeOf, SinkGetsFramesInOrderAndMayStop) {
  const c10::NoGradGuard no_grad;
  const VaeConfig config = SmallVaeConfig(GetParam(), 4, 4, 4);
  const Vae vae(config, RandomVaeTensors(config, 1));
  const at::Tensor latents = SeededNoise({4, 3, 1, 2}, 5);
  std::vector<at::Tensor> chunks;
  vae.Decode(latents, [&](const at::Tensor& frames) { chunks.push_back(frames); });
  std::vector<int64_t> counts;
  for (const at::Tensor& chunk : chunks) {
    counts.push_back(chunk.size(1));
    EXPECT_TRUE(chunk.is_contiguous());
    EXPECT_EQ(chunk.scalar_type(), at::kFloat);
    EXPECT_LE(chunk.abs().max().item<float>(), 1);
  }
  EXPECT_THAT(counts, testing::ElementsAre(1, 4, 4));
  // Causal: what was decoded does not depend on what follows. The two run in passes of different
  // lengths, so they are equal as plans are.
  EXPECT_LT(
      LargestDifference(at::cat({chunks[0], chunks[1]}, 1), vae.Decode(latents.narrow(1, 0, 2))),
      1e-5);

  int calls = 0;
  const auto stop = [&](const at::Tensor&) {
    if (++calls == 2) throw Error("stop");
  };
  EXPECT_THROW(vae.Decode(latents, stop), Error);
  EXPECT_EQ(calls, 2);
}

TEST_P(VaeOf, BatchEqualsVideosAlone) {
  const c10::NoGradGuard no_grad;
  const VaeConfig config = SmallVaeConfig(GetParam(), 4, 4, 4);
  const Vae vae(config, RandomVaeTensors(config, 2));
  const int64_t side = config.spatial_stride();
  const at::Tensor video = SeededNoise({2, 3, 5, side, 2 * side}, 6);
  const at::Tensor moments = vae.EncodeMoments(video);
  const at::Tensor mu = SeededNoise({2, 4, 2, 1, 2}, 7);
  const at::Tensor frames = vae.DecodeUnclamped(mu);
  for (int64_t i = 0; i < 2; ++i) {
    EXPECT_LT(LargestDifference(moments[i], vae.EncodeMoments(video[i])), 1e-5);
    EXPECT_LT(LargestDifference(frames[i], vae.DecodeUnclamped(mu[i])), 1e-5);
  }
}

// Moving every weight along its own gradient changes the loss by the sum of the gradients' norms.
TEST_P(VaeOf, GradientsMatchDifferences) {
  // With fewer channels some positions are near zero, where the norm's derivative explodes.
  const VaeConfig config = SmallVaeConfig(GetParam(), 2, 8, 8);
  TensorMap weights;
  for (const auto& [name, tensor] : RandomVaeTensors(config, 8)) {
    weights[name] = tensor.to(at::kDouble).requires_grad_();
  }
  const int64_t side = config.spatial_stride();
  const at::Tensor video = SeededNoise({3, 5, side, side}, 9);
  const at::Tensor mu = SeededNoise({2, 2, 1, 2}, 10);
  const auto loss = [&](const TensorMap& tensors) {
    // Slabs as well: their assembly must carry gradients.
    const Vae vae(config, tensors, {.slab_elements = 400, .score_bytes = 64});
    return vae.EncodeMoments(video).square().sum() + vae.DecodeUnclamped(mu).square().sum();
  };
  loss(weights).backward();
  double derivative = 0;
  for (const auto& [name, tensor] : weights) {
    ASSERT_TRUE(tensor.grad().defined()) << name;
    derivative += tensor.grad().norm().item<double>();
  }
  const c10::NoGradGuard no_grad;
  const auto shifted = [&](double step) {
    TensorMap moved;
    for (const auto& [name, tensor] : weights) {
      moved[name] = tensor + step * tensor.grad() / tensor.grad().norm().clamp_min(1e-30);
    }
    return loss(moved).item<double>();
  };
  const double step = 1e-4;  // the frames are fp32: smaller steps drown in rounding
  const double difference = (shifted(step) - shifted(-step)) / (2 * step);
  EXPECT_NEAR(difference / derivative, 1, 1e-3);
}

TEST_P(VaeOf, Bf16StaysNearFp32) {
  const c10::NoGradGuard no_grad;
  const VaeConfig config = SmallVaeConfig(GetParam(), 4, 4, 4);
  const TensorMap tensors = RandomVaeTensors(config, 12);
  TensorMap halves;
  for (const auto& [name, tensor] : tensors) halves[name] = tensor.to(at::kBFloat16);
  const at::Tensor latents = SeededNoise({4, 2, 2, 2}, 13) * 0.5;
  const at::Tensor exact = Vae(config, tensors).Decode(latents);
  const at::Tensor rounded = Vae(config, halves).Decode(latents);
  EXPECT_EQ(rounded.scalar_type(), at::kFloat);
  const double relative = ((exact - rounded).norm() / exact.norm()).item<double>();
  EXPECT_GT(relative, 0);
  EXPECT_LT(relative, 0.05);
}

TEST_P(VaeOf, RefusesWrongShapes) {
  const VaeConfig config = SmallVaeConfig(GetParam(), 4, 4, 4);
  const Vae vae(config, RandomVaeTensors(config, 14));
  const int64_t side = config.spatial_stride();
  EXPECT_THROW(vae.Decode(at::zeros({5, 1, 2, 2})), Error);            // channels
  EXPECT_THROW(vae.Decode(at::zeros({4, 2, 2})), Error);               // dimensions
  EXPECT_THROW(vae.Decode(at::zeros({4, 0, 2, 2})), Error);            // no frames
  EXPECT_THROW(vae.Decode(at::zeros({2, 4, 1, 2, 2})), Error);         // a batch
  EXPECT_THROW(vae.Encode(at::zeros({3, 4, side, side})), Error);      // frames
  EXPECT_THROW(vae.Encode(at::zeros({3, 5, side, side + 4})), Error);  // width
  EXPECT_THROW(vae.Encode(at::zeros({1, 5, side, side})), Error);      // channels
}

TEST(Vae, HalvesWorkAlone) {
  const c10::NoGradGuard no_grad;
  const VaeConfig config = SmallVaeConfig(VaeVersion::k21, 4, 4, 4);
  TensorMap decoder = RandomVaeTensors(config, 15), encoder = decoder;
  std::erase_if(decoder, [](const auto& item) {
    return item.first.starts_with("encoder.") || item.first.starts_with("conv1.");
  });
  std::erase_if(encoder, [](const auto& item) {
    return item.first.starts_with("decoder.") || item.first.starts_with("conv2.");
  });
  const at::Tensor latents = at::zeros({4, 1, 1, 1}), video = at::zeros({3, 1, 8, 8});
  EXPECT_EQ(Vae(config, decoder).Decode(latents).size(1), 1);
  EXPECT_THROW(Vae(config, decoder).Encode(video), Error);
  EXPECT_EQ(Vae(config, encoder).Encode(video).size(1), 1);
  EXPECT_THROW(Vae(config, encoder).Decode(latents), Error);
}

}  // namespace
}  // namespace t3
