// The VAE against the published code's frames and encodings and against diffusers' VAEs.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "arch/vae.h"
#include "models/vae/testing/one_channel.h"
#include "models/vae/vae.h"
#include "nn/load.h"

namespace t3 {
namespace {

const std::string kFixtures = T3_SOURCE_DIR "/tests/data/";

Vae LoadVae(const std::string& path) {
  const auto file = WeightFile::Open(path);
  const Naming& naming = VaeNaming(ReadVaeVersion(file->tensors()));
  const NamedViews views = NameTensors(file, naming);
  const VaeConfig config = ReadVaeConfig(views, nullptr);
  return Vae(config, LoadTensors(views, VaeTensors(config), naming, LoadOptions{}));
}

at::Tensor Fixture(const WeightFile& file, const std::string& name) {
  return ToTensor(file.tensors().at(name));
}

// NaN in either makes this NaN, which no comparison below accepts.
double RelativeDistance(const at::Tensor& actual, const at::Tensor& expected) {
  EXPECT_EQ(actual.sizes(), expected.sizes());
  if (actual.sizes() != expected.sizes()) return INFINITY;
  const at::Tensor wanted = expected.to(at::kDouble);
  return ((actual.to(at::kDouble) - wanted).norm() / wanted.norm()).item<double>();
}

class Published : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Models, Published, testing::Values("2.1", "2.2"));

TEST_P(Published, Frames) {
  const c10::NoGradGuard no_grad;
  const std::string version = GetParam(), folder = kFixtures + "reference/mini" + version;
  const auto expected = WeightFile::Open(folder + ".expected.safetensors");
  const Vae vae = LoadVae(folder + "/Wan" + version + "_VAE.pth");
  const at::Tensor frames = vae.Decode(Fixture(*expected, "t3.latents_decoded")[0]);
  // The frames are stored in fp16, which alone is 1.2e-4.
  EXPECT_LT(RelativeDistance(OneChannel(frames), Fixture(*expected, "t3.video")), 3e-4);
}

TEST(PublishedEncoder, Image) {
  const c10::NoGradGuard no_grad;
  const std::string folder = kFixtures + "reference/mini2.2";
  const auto expected = WeightFile::Open(folder + ".expected.safetensors");
  const at::Tensor image = Fixture(*expected, "i2v.image").permute({2, 0, 1}).unsqueeze(1);
  const at::Tensor z =
      LoadVae(folder + "/Wan2.2_VAE.pth").Encode(image.to(at::kFloat).mul(2).div(255).sub(1));
  EXPECT_LT(RelativeDistance(z, Fixture(*expected, "i2v.z")[0]), 1e-5);
}

struct DiffusersCase {
  std::string version;
  std::string frames;
};

void PrintTo(const DiffusersCase& c, std::ostream* out) {
  *out << c.version << ", latent frames " << c.frames;
}

class Diffusers : public testing::TestWithParam<DiffusersCase> {
 protected:
  Diffusers()
      : expected_(WeightFile::Open(Path() + ".expected.safetensors")),
        vae_(LoadVae(Path() + ".safetensors")),
        mean_(at::tensor(vae_.config().mean).view({-1, 1, 1, 1})),
        std_(at::tensor(vae_.config().std).view({-1, 1, 1, 1})) {}

  static std::string Path() { return kFixtures + "oracle/vae_" + GetParam().version; }
  at::Tensor Get(const std::string& what) const {
    return Fixture(*expected_, GetParam().frames + "." + what);
  }

  c10::NoGradGuard no_grad_;
  std::shared_ptr<const WeightFile> expected_;
  Vae vae_;
  at::Tensor mean_, std_;
};

INSTANTIATE_TEST_SUITE_P(Cases, Diffusers,
                         testing::Values(DiffusersCase{"2.1", "1"}, DiffusersCase{"2.1", "2"},
                                         DiffusersCase{"2.1", "5"}, DiffusersCase{"2.2", "1"},
                                         DiffusersCase{"2.2", "2"}, DiffusersCase{"2.2", "4"}));

TEST_P(Diffusers, Decode) {
  const at::Tensor mu = Get("mu");
  const at::Tensor clamped = vae_.DecodeUnclamped(mu).clamp(-1, 1);
  EXPECT_LT(RelativeDistance(OneChannel(vae_.Decode((mu - mean_) / std_)), Get("frames")), 1e-5);
  EXPECT_LT(RelativeDistance(OneChannel(clamped), Get("frames")), 1e-5);
}

TEST_P(Diffusers, Encode) {
  const at::Tensor video = Get("video").to(at::kFloat), moments = Get("moments");
  EXPECT_LT(RelativeDistance(vae_.EncodeMoments(video), moments), 1e-5);
  const at::Tensor mu = moments.narrow(0, 0, vae_.config().latent_channels);
  EXPECT_LT(RelativeDistance(vae_.Encode(video), (mu - mean_) / std_), 1e-5);
}

}  // namespace
}  // namespace t3
