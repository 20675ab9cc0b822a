// What several ranks make is what one makes.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "arch/dit.h"
#include "base/check.h"
#include "loading/load_models.h"
#include "media/testing/frames.h"
#include "models/vae/testing/random_vae.h"
#include "nn/random_weights.h"
#include "parallel/testing/thread_ranks.h"
#include "pipeline/decode.h"
#include "pipeline/decode_laps.h"
#include "pipeline/denoise.h"
#include "pipeline/ranks/follower.h"
#include "pipeline/ranks/orders.h"
#include "pipeline/ranks/shared_decoder.h"
#include "pipeline/ranks/shared_encoder.h"
#include "plan/chunks.h"
#include "sampling/noise.h"

namespace t3 {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;

// Every tensor of a denoiser of 12 heads, which 2, 3 and 4 ranks divide.
DitConfig TwelveHeads(int64_t latent_channels) {
  return {.dim = 192,
          .ffn_dim = 96,
          .num_heads = 12,
          .num_layers = 3,
          .latent_channels = latent_channels,
          .text_dim = 32};
}

TensorMap RandomDit(const DitConfig& config) {
  TensorMap tensors;
  uint64_t seed = 1;
  for (const TensorSpec& spec : DitTensors(config)) {
    const at::Tensor noise = TorchNoise(++seed, spec.shape);
    const bool matrix = spec.shape.size() > 1;
    tensors[spec.name] =
        matrix ? noise / std::sqrt(static_cast<double>(noise[0].numel())) : 1 + 0.1 * noise;
  }
  return tensors;
}

struct RankCase {
  int64_t latent_channels;
  double guidance;
  bool image;
  RankSplit split;
  int64_t scratch_bytes = 0;  // small enough for several exchanges a layer; 0: as loaded
};

void PrintTo(const RankCase& c, std::ostream* out) {
  *out << c.latent_channels << " channels, guidance " << c.guidance << ", " << c.split.branches
       << "x" << c.split.shards << (c.image ? ", image" : "");
  if (c.scratch_bytes > 0) *out << ", " << c.scratch_bytes << " bytes of scratch memory";
}

class SharedDenoising : public testing::TestWithParam<RankCase> {
 protected:
  SharedDenoising()
      : config_(TwelveHeads(GetParam().latent_channels)),
        dit_(config_, RandomDit(config_)),
        // Uneven windows; 45 tokens, which 2 and 4 do not divide.
        attention_(AttentionLayout::Make(AttentionPattern::kT3, {{3, 1, 1}, {1, 2, 2}}, {3, 3, 5},
                                         config_.num_layers, config_.head_dim(), at::kCPU)) {
    if (GetParam().scratch_bytes > 0) dit_.set_scratch_bytes(GetParam().scratch_bytes);
    input_.sampling = {.steps = 3, .guidance = GetParam().guidance, .shift = 5};
    input_.noise = TorchNoise(3, {config_.latent_channels, 3, 6, 10});
    input_.prompt = TorchNoise(4, {6, config_.text_dim});
    if (GetParam().guidance != 1) input_.negative = TorchNoise(5, {3, config_.text_dim});
    if (GetParam().image) input_.first_frame = TorchNoise(6, {config_.latent_channels, 1, 6, 10});
  }

  at::Tensor Run(const DenoiserRanks& ranks) const {
    const RunContext context{silent_, nullptr, at::kCPU};
    Stage stage(context, "denoising", 3);
    DenoiseInput input = input_;
    input.ranks = ranks;
    return Denoise(dit_, attention_, input, at::kCPU, stage);
  }

  DitConfig config_;
  Dit dit_;
  AttentionLayout attention_;
  DenoiseInput input_;
  ProgressFn silent_;
};

// The other ranks' part of a denoising whose denoiser is there already.
void FollowDenoising(Team& team, const GuidedDenoiser& denoiser) {
  for (;;) {
    const auto order = nlohmann::json::parse(team.Next());
    if (order.at("do") == orders::kEnd) break;
    denoiser.Follow(order);
    team.Answer();
  }
  team.Answer();
}

TEST_P(SharedDenoising, EqualsOneProcess) {
  const c10::NoGradGuard no_grad;
  const at::Tensor alone = Run({});
  const RankSplit& split = GetParam().split;
  const auto errors = RunRanks(split.ranks(), [&](Team& team) {
    const c10::NoGradGuard none;
    const DenoiserRanks ranks = DenoiserRanks::Connect(team, split);
    if (team.rank() == 0) {
      const at::Tensor together = Run(ranks);
      EXPECT_LT((together - alone).abs().max().item<double>(),
                1e-6 * alone.abs().max().item<double>());
      OrderEnd(team);
      return;
    }
    const GuidedDenoiser denoiser(dit_, attention_,
                                  {GetParam().guidance, input_.prompt, input_.negative}, ranks);
    FollowDenoising(team, denoiser);
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
}

INSTANTIATE_TEST_SUITE_P(
    Splits, SharedDenoising,
    testing::Values(RankCase{16, 1, false, {1, 2}}, RankCase{16, 5, false, {2, 1}},
                    RankCase{16, 5, true, {1, 3}}, RankCase{16, 5, true, {2, 2}},
                    RankCase{48, 1, true, {1, 4}}, RankCase{48, 5, false, {2, 2}},
                    RankCase{48, 5, false, {1, 3}},
                    // Chunks of 4 tokens of 15, and of 4 of 22 and 23: the last ones differ.
                    RankCase{16, 1, true, {1, 3}, 4 * ExchangeRowBytes(192, 4)},
                    RankCase{16, 1, false, {1, 2}, 4 * ExchangeRowBytes(192, 4)}));

TEST(SharedDenoisingFaults, TheLayerIsFoundOnWhateverRankItShows) {
  const c10::NoGradGuard no_grad;
  const DitConfig config = TwelveHeads(16);
  TensorMap tensors = RandomDit(config);
  tensors["blocks.1.ffn.2.bias"][7] = NAN;
  const Dit dit(config, tensors);
  const AttentionLayout attention = AttentionLayout::Make(
      AttentionPattern::kFull, {}, {3, 3, 5}, config.num_layers, config.head_dim(), at::kCPU);
  const Guidance guidance{5, TorchNoise(4, {6, 32}), TorchNoise(5, {3, 32})};
  const auto errors = RunRanks(2, [&](Team& team) {
    const c10::NoGradGuard none;
    const GuidedDenoiser denoiser(dit, attention, guidance, DenoiserRanks::Connect(team, {1, 2}));
    if (team.rank() != 0) return FollowDenoising(team, denoiser);
    EXPECT_EQ(denoiser.FaultyLayer(TorchNoise(3, {16, 3, 6, 10}), 500, 0), "blocks.1");
    OrderEnd(team);
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
}

// Decoding and encoding with the small VAE of a model in the tests' data.
class SharedVae : public testing::TestWithParam<std::tuple<const char*, int>> {
 protected:
  SharedVae()
      : model_(OpenModel({.model = std::string(T3_SOURCE_DIR "/tests/data/reference/") +
                                   std::get<0>(GetParam())})) {
    settings_.files.model = model_.paths.dit;
  }
  int64_t ranks() const { return std::get<1>(GetParam()); }

  // Rank 0's `work` with what the others follow.
  std::vector<std::string> WithFollowers(const std::function<void(Team& team)>& work) const {
    return RunRanks(ranks(), [&](Team& team) {
      const c10::NoGradGuard none;
      if (team.rank() != 0) return Follower(model_, settings_, team).Serve();
      work(team);
      OrderEnd(team);
    });
  }

  at::Tensor Latents() const { return TorchNoise(8, {model_.vae->latent_channels, 4, 7, 3}); }

  ModelInfo model_;
  RunSettings settings_;
  ProgressFn silent_;
  RunContext context_{silent_, nullptr, at::kCPU};
};

at::Tensor DecodeBy(const VideoDecoder& decoder, const at::Tensor& latents, int64_t budget) {
  const int64_t stride = decoder.spatial_stride();
  const at::Tensor video = at::full(
      {3, 4 * latents.size(1) - 3, stride * latents.size(2), stride * latents.size(3)}, NAN);
  const PlannedDecode plan =
      decoder.PlanFor({latents.size(1), latents.size(2), latents.size(3)}, budget);
  plan.run(latents,
           [&](const DecodedRows& rows) {
             video.narrow(1, rows.frame, rows.pixels.size(1))
                 .narrow(2, rows.row, rows.pixels.size(2))
                 .copy_(rows.pixels);
           },
           {});
  return video;
}

TEST_P(SharedVae, DecodesAsOneProcessDoes) {
  const at::Tensor latents = Latents();
  const auto alone = OpenDecoder(model_, at::kFloat, context_, nullptr);
  const at::Tensor want = DecodeBy(*alone, latents, int64_t{1} << 40);
  const auto errors = WithFollowers([&](Team& team) {
    const auto shared = OpenDecoder(model_, at::kFloat, context_, &team);
    EXPECT_LT((DecodeBy(*shared, latents, int64_t{1} << 40) - want).abs().max().item<double>(),
              1e-6);
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
}

TEST_P(SharedVae, ADecodeThatStopsLeavesTheRanksInStep) {
  const at::Tensor latents = Latents();
  const auto errors = WithFollowers([&](Team& team) {
    const auto shared = OpenDecoder(model_, at::kFloat, context_, &team);
    const PlannedDecode plan = shared->PlanFor({4, 7, 3}, int64_t{1} << 40);
    int64_t calls = 0;
    EXPECT_THROW(plan.run(latents,
                          [&](const DecodedRows&) {
                            if (++calls > ranks()) Fail("the disk is full");
                          },
                          {}),
                 Error);
    EXPECT_TRUE(team.in_step());
    EXPECT_TRUE(DecodeBy(*shared, latents, int64_t{1} << 40).isfinite().all().item<bool>());
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
}

// A file of one process and of several. Rounding may move a sample to the next code.
void ExpectSameFile(const std::string& got, const std::string& want) {
  const std::string a = FileBytes(got), b = FileBytes(want);
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_LE(std::abs(static_cast<uint8_t>(a[i]) - static_cast<uint8_t>(b[i])), 1) << i;
}

TEST_P(SharedVae, WritesTheFileOfOneProcess) {
  const at::Tensor latents = Latents();
  const TestFolder folder;
  const VideoGeometry whole = WholeVideo({4, 7, 3}, *model_.vae);
  const auto write = [&](const std::string& name, const VideoDecoder& decoder,
                         const VideoGeometry& geometry) {
    DecodeTarget target;
    target.output.path = folder / name;
    target.geometry = geometry;
    Stage stage(context_, "decoding", geometry.frames);
    DecodeToFile(decoder, latents, target, stage);
    std::vector<Result::Stage> stages;
    stage.Finish(stages);
    return stages.front();
  };
  // Whole; cropped where rows can be divided, and where they share their chroma.
  const int64_t w = whole.width - 5, h = whole.height;
  const std::vector<VideoGeometry> sizes{whole, CroppedTo(whole, w, h - 5),
                                         CroppedTo(whole, w, h - 6)};
  const auto alone = OpenDecoder(model_, at::kFloat, context_, nullptr);
  for (size_t i = 0; i < sizes.size(); ++i) write(fmt::format("{}.y4m", i), *alone, sizes[i]);
  const auto errors = WithFollowers([&](Team& team) {
    const auto shared = OpenDecoder(model_, at::kFloat, context_, &team);
    for (size_t i = 0; i < sizes.size(); ++i) {
      const Result::Stage stage = write(fmt::format("{}-shared.y4m", i), *shared, sizes[i]);
      double seconds = 0;
      for (const auto& [part, of_part] : stage.part_seconds)
        seconds += part == laps::kWriting ? 0 : of_part;
      EXPECT_LE(seconds, stage.seconds);
      EXPECT_GT(seconds, 0.9 * stage.seconds);
    }
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
  for (size_t i = 0; i < sizes.size(); ++i)
    ExpectSameFile(folder / fmt::format("{}-shared.y4m", i), folder / fmt::format("{}.y4m", i));
}

// Takes samples, slowly, until the disk is full.
class FullDisk : public VideoWriter {
 public:
  std::optional<PlanarFormat> planar() const override { return PlanarFormat{"yuv420p", {}}; }
  void Write(const FrameView& /*frame*/) override { Fail("frames were to come as samples"); }
  void WriteSamples(const ConstPlanes& /*samples*/) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (++frames_ > 2) Fail("the disk is full");
  }
  void Finish() override {}

 private:
  int64_t frames_ = 0;
};

TEST_P(SharedVae, AFullDiskEndsADecodeAndNotTheRanks) {
  const at::Tensor latents = Latents();
  DecodeTarget target;
  target.output.path = "unused.y4m";
  target.geometry = WholeVideo({4, 7, 3}, *model_.vae);
  const auto errors = WithFollowers([&](Team& team) {
    const auto shared = OpenDecoder(model_, at::kFloat, context_, &team);
    for (const size_t capacity : {1, 2, 100}) {
      Stage stage(context_, "decoding", target.geometry.frames);
      QueuedWriter writer(std::make_unique<FullDisk>(), capacity);
      EXPECT_EQ(ErrorOf([&] { DecodeInto(writer, *shared, latents, target, stage); }),
                "the disk is full");
      EXPECT_TRUE(team.in_step());
    }
    EXPECT_TRUE(DecodeBy(*shared, latents, int64_t{1} << 40).isfinite().all().item<bool>());
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
}

TEST_P(SharedVae, EncodesAsOneProcessDoes) {
  const int64_t stride = model_.vae->spatial_stride();
  const at::Tensor video = TorchNoise(9, {3, 13, 7 * stride, 3 * stride}).mul(0.4).clamp(-1, 1);
  const auto source = [&](int64_t frame, int64_t count) { return video.narrow(1, frame, count); };
  const Grid latent{4, 7, 3};
  const ClipEncoder alone(model_, at::kFloat, context_, nullptr);
  const at::Tensor want = alone.Encode(alone.PlanFor(latent, int64_t{1} << 40), source, {});
  const auto errors = WithFollowers([&](Team& team) {
    const ClipEncoder shared(model_, at::kFloat, context_, &team);
    const at::Tensor got = shared.Encode(shared.PlanFor(latent, int64_t{1} << 40), source, {});
    EXPECT_LT((got - want).abs().max().item<double>(), 1e-6 * want.abs().max().item<double>());
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
}

INSTANTIATE_TEST_SUITE_P(Ranks, SharedVae,
                         testing::Combine(testing::Values("mini2.1", "mini2.2"),
                                          testing::Values(2, 3, 4)));

TEST(Followers, SayWhatTheyCannotDo) {
  const ModelInfo model = OpenModel({.model = T3_SOURCE_DIR "/tests/data/reference/mini2.1"});
  const RunSettings settings;
  const auto errors = RunRanks(2, [&](Team& team) {
    if (team.rank() != 0) return Follower(model, settings, team).Serve();
    Team::Order(team, R"({"do": "fly"})").End();
  });
  EXPECT_THAT(errors[0], HasSubstr("rank 1: rank 1 has no denoiser for the order fly"));
  EXPECT_THAT(errors[1], HasSubstr("the order fly"));
}

}  // namespace
}  // namespace t3
