// TAEHV against a definition in PyTorch (tools/oracle_taehv.py).
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "models/taehv/taehv.h"
#include "nn/load.h"

namespace t3 {
namespace {

class OracleTaehv : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Files, OracleTaehv,
                         testing::Values("taehv_plain.pth", "taehv_super.safetensors"));

TEST_P(OracleTaehv, Frames) {
  const std::string path = std::string(T3_SOURCE_DIR "/tests/data/oracle/") + GetParam();
  const NamedViews views = NameTensors(WeightFile::Open(path), TaehvNaming());
  ASSERT_TRUE(LooksLikeTaehv(views));
  const TaehvConfig config = ReadTaehvConfig(views);
  const Taehv decoder(config,
                      LoadTensors(views, TaehvTensors(config), TaehvNaming(), LoadOptions{}));
  const auto expected = WeightFile::Open(path.substr(0, path.rfind('.')) + ".expected.safetensors");
  int cases = 0;
  for (const auto& [name, view] : expected->tensors()) {
    if (!name.ends_with(".latents")) continue;
    ++cases;
    const std::string frames = name.substr(0, name.find('.')) + ".frames";
    const at::Tensor wanted = ToTensor(expected->tensors().at(frames)) * 2 - 1;
    const at::Tensor video = decoder.Decode(ToTensor(view));
    ASSERT_EQ(video.sizes(), wanted.sizes()) << name;
    EXPECT_LT((video - wanted).abs().max().item<double>(), 1e-5) << name;
  }
  EXPECT_GE(cases, 3);
}

}  // namespace
}  // namespace t3
