// The reference cases from files and prompts to latents and frames: every number of the chain as
// the published code computes it (tests/data/reference/README.md), fp32, on the CPU or a GPU.
#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "arch/dit.h"
#include "arch/text_encoder.h"
#include "arch/vae.h"
#include "base/check.h"
#include "compare.h"
#include "models/dit/dit.h"
#include "models/text_encoder/text_encoder.h"
#include "models/vae/testing/one_channel.h"
#include "models/vae/vae.h"
#include "nn/load.h"
#include "plan/windows.h"
#include "sampling/guidance.h"
#include "sampling/noise.h"
#include "sampling/solver.h"
#include "tokenizer/clean.h"
#include "tokenizer/tokenizer.h"

namespace t3 {
namespace {

using nlohmann::json;

const at::Device kDevice(T3_TEST_DEVICE);
const std::string kRoot = T3_SOURCE_DIR "/tests/data/reference/";

// What the issue asks for is 1e-3; an implementation of the same formulas is far nearer.
constexpr double kNear = 2e-5;
// Frames are stored as fp16 and about 1.
constexpr double kNearFrames = 5e-4;

json ReadJson(const std::string& path) {
  std::ifstream file(path);
  T3_CHECK(file.good(), "cannot read {}", path);
  return json::parse(file);
}

struct SampleRequest {
  SamplingConfig sampling;
  AttentionPattern attention = AttentionPattern::kT3;
  at::ScalarType dtype = at::kFloat;
  at::Tensor noise;        // (z,T,h,w)
  at::Tensor first_frame;  // (z,1,h,w) or undefined
};

class Reference : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    no_grad_.emplace();
    at::globalContext().setAllowTF32CuDNN(false);  // as the program does (runtime/device.h)
    folder_ = kRoot + "mini" + GetParam() + "/";
    cases_ = ReadJson(kRoot + "cases.json");
    run_ = cases_["runs"][GetParam()];
    expected_ = WeightFile::Open(kRoot + "mini" + GetParam() + ".expected.safetensors");
  }

  at::Tensor Expected(const std::string& name) const {
    return ToTensor(expected_->tensors().at(name));
  }

  std::string Prompt(int number) const {
    return number < 3 ? cases_["prompts"][static_cast<size_t>(number)] : cases_["negative"];
  }

  std::vector<int32_t> Ids(int number) const {
    return Tokenizer(folder_ + "google/umt5-xxl/spiece.model").Encode(CleanText(Prompt(number)));
  }

  static LoadOptions OnDevice(at::ScalarType dtype = at::kFloat) {
    LoadOptions options;
    options.device = kDevice;
    options.dtype = dtype;
    return options;
  }

  TextEncoder MakeTextEncoder() const {
    const NamedViews views = NameTensors(
        WeightFile::Open(folder_ + "models_t5_umt5-xxl-enc-bf16.pth"), TextEncoderNaming());
    const TextEncoderConfig config = ReadTextEncoderConfig(views);
    return {config,
            LoadTensors(views, TextEncoderTensors(config), TextEncoderNaming(), OnDevice())};
  }

  Dit MakeDit(at::ScalarType dtype) const {
    const NamedViews views =
        NameTensors(WeightFile::Open(folder_ + "diffusion_pytorch_model.safetensors"), DitNaming());
    const json official = ReadJson(folder_ + "config.json");
    const DitConfig config = ReadDitConfig(views, &official);
    return {config, LoadTensors(views, DitTensors(config), DitNaming(), OnDevice(dtype))};
  }

  Vae MakeVae() const {
    const auto file = WeightFile::Open(folder_ + "Wan" + GetParam() + "_VAE.pth");
    const Naming& naming = VaeNaming(ReadVaeVersion(file->tensors()));
    const NamedViews views = NameTensors(file, naming);
    const VaeConfig config = ReadVaeConfig(views, nullptr);
    return {config, LoadTensors(views, VaeTensors(config), naming, OnDevice())};
  }

  at::Tensor Noise(uint64_t seed) const {
    return TorchNoise(seed, Expected("noise.seed7").sizes())[0];
  }

  // Latents after each step, prompt 0 against the negative prompt, all of it computed here.
  std::vector<at::Tensor> Sample(const SampleRequest& request) const {
    const Dit dit = MakeDit(request.dtype);
    const TextEncoder encoder = MakeTextEncoder();
    const TextContext prompt = dit.PrepareText(encoder.Encode(Ids(0)));
    const TextContext negative = dit.PrepareText(encoder.Encode(Ids(3)));
    const Grid grid{run_["grid"][0], run_["grid"][1], run_["grid"][2]};
    const AttentionLayout attention =
        AttentionLayout::Make(request.attention, ParseWindows(run_["windows"].get<std::string>()),
                              grid, dit.config().num_layers, dit.config().head_dim(), kDevice);
    const int64_t clean = request.first_frame.defined() ? 1 : 0;
    const auto put_image = [&](at::Tensor x) {
      return clean == 0 ? x : at::cat({request.first_frame, x.narrow(1, 1, x.size(1) - 1)}, 1);
    };
    Solver solver(request.sampling);
    at::Tensor x = put_image(request.noise.to(kDevice));
    std::vector<at::Tensor> steps;
    for (int64_t i = 0; i < solver.steps(); ++i) {
      const double t = solver.timestep(i);
      const at::Tensor velocity =
          Guide(dit.Forward(x, t, clean, prompt, attention),
                dit.Forward(x, t, clean, negative, attention), request.sampling.guidance);
      x = put_image(solver.Step(i, x, velocity));
      steps.push_back(x);
    }
    return steps;
  }

  std::string folder_;
  json cases_;
  json run_;
  std::shared_ptr<const WeightFile> expected_;
  std::optional<c10::NoGradGuard> no_grad_;
};

TEST_P(Reference, IdsAreEqual) {
  for (int i = 0; i < 4; ++i) {
    const at::Tensor want = Expected(fmt::format("text.{}.ids", i)).to(at::kInt);
    const std::vector<int32_t> wanted(want.const_data_ptr<int32_t>(),
                                      want.const_data_ptr<int32_t>() + want.numel());
    EXPECT_EQ(Ids(i), wanted) << i;
  }
}

TEST_P(Reference, EmbedsOfAllPrompts) {
  const TextEncoder encoder = MakeTextEncoder();
  for (int i = 0; i < 4; ++i) {
    EXPECT_LT(RelativeL2(encoder.Encode(Ids(i)), Expected(fmt::format("text.{}.embed", i))), kNear)
        << i;
  }
}

TEST_P(Reference, NoiseIsTheSame) { EXPECT_TRUE(at::equal(Noise(7), Expected("noise.seed7")[0])); }

TEST_P(Reference, T3Steps) {
  const auto steps = Sample(
      {.sampling = {.sampler = Sampler::kEuler, .steps = 6}, .noise = Noise(7), .first_frame = {}});
  EXPECT_LT(RelativeL2(steps[0], Expected("t3.step1")[0]), kNear);
  EXPECT_LT(RelativeL2(steps[2], Expected("t3.step3")[0]), kNear);
  EXPECT_LT(RelativeL2(steps[5], Expected("t3.latents")[0]), kNear);
}

TEST_P(Reference, UniPcSteps) {
  const SamplingConfig sampling{.sampler = Sampler::kUniPC, .steps = 8};
  const Solver solver(sampling);
  const at::Tensor timesteps = Expected("unipc.timesteps");
  for (int64_t i = 0; i < 8; ++i) {
    EXPECT_EQ(solver.timestep(i), timesteps[i].item<double>());
  }
  const auto steps = Sample({.sampling = sampling, .noise = Noise(7), .first_frame = {}});
  EXPECT_LT(RelativeL2(steps[1], Expected("unipc.step2")[0]), kNear);
  EXPECT_LT(RelativeL2(steps[7], Expected("unipc.latents")[0]), kNear);
}

TEST_P(Reference, FullAttention) {
  const auto steps =
      Sample({.sampling = {.sampler = Sampler::kEuler, .steps = 4, .guidance = 3, .shift = 8},
              .attention = AttentionPattern::kFull,
              .noise = Noise(7),
              .first_frame = {}});
  EXPECT_LT(RelativeL2(steps[3], Expected("full.latents")[0]), kNear);
  // The patterns differ by far more than the tolerance.
  EXPECT_GT(RelativeL2(steps[3], Expected("t3.latents")[0]), 0.01);
}

// bf16 runs are chaotic, so ours is held to the distance that the published one has.
TEST_P(Reference, Bf16IsAsNearAsThePublishedRun) {
  const auto steps = Sample({.sampling = {.sampler = Sampler::kEuler, .steps = 6},
                             .dtype = at::kBFloat16,
                             .noise = Noise(7),
                             .first_frame = {}});
  const at::Tensor want = Expected("t3.latents")[0];
  const double published = RelativeL2(Expected("t3.bf16.latents")[0], want);
  EXPECT_NEAR(published, run_["bf16_rel"].get<double>(), 1e-5);
  const double ours = RelativeL2(steps[5], want);
  RecordProperty("published", fmt::format("{}", published));
  RecordProperty("ours", fmt::format("{}", ours));
  EXPECT_LT(ours, published);
  EXPECT_GT(ours, 1e-4) << "this was not bf16";
}

TEST_P(Reference, Frames) {
  const at::Tensor video = MakeVae().Decode(Expected("t3.latents_decoded")[0]);
  EXPECT_LT(RelativeL2(OneChannel(video), Expected("t3.video")), kNearFrames);
}

class ImageReference : public Reference {};  // the model that takes images

TEST_P(ImageReference, ImageToVideo) {
  const at::Tensor pixels = Expected("i2v.image").to(at::kFloat).permute({2, 0, 1});
  const at::Tensor z = MakeVae().Encode((pixels * 2 / 255 - 1).unsqueeze(1));
  EXPECT_LT(RelativeL2(z, Expected("i2v.z")[0]), kNear);
  const auto steps = Sample(
      {.sampling = {.sampler = Sampler::kEuler, .steps = 4}, .noise = Noise(3), .first_frame = z});
  EXPECT_LT(RelativeL2(steps[3], Expected("i2v.latents")[0]), kNear);
}

INSTANTIATE_TEST_SUITE_P(Models, Reference, ::testing::Values("2.1", "2.2"), [](const auto& test) {
  return std::string(test.param) == "2.1" ? "Wan21" : "Wan22";
});

INSTANTIATE_TEST_SUITE_P(Models, ImageReference, ::testing::Values("2.2"),
                         [](const auto&) { return std::string("Wan22"); });

}  // namespace
}  // namespace t3
