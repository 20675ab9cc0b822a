// Dtypes of stored weights and of the arithmetic, from the dtypes in the files alone.
#include "loading/precision.h"

#include <gtest/gtest.h>

#include "arch/dit.h"
#include "arch/text_encoder.h"
#include "config/presets.h"
#include "runtime/device.h"
#include "t3video/error.h"

namespace t3 {
namespace {

NamedViews StoredAs(const TensorTable& table, DType dtype) {
  NamedViews views;
  for (const TensorSpec& spec : table) {
    views.tensors[spec.name] = {spec.fp32 ? DType::kF32 : dtype, spec.shape, nullptr, 0};
  }
  return views;
}

ModelInfo FullSize(DType dtype) {
  const ModelPreset& preset = FindPreset("wan2.1-1.3b");
  ModelInfo model;
  model.dit = preset.dit;
  model.text = preset.text;
  model.dit_views = StoredAs(DitTensors(model.dit), dtype);
  model.text_views = StoredAs(TextEncoderTensors(*model.text), dtype);
  return model;
}

TEST(Precision, LargeNetworksStayInTheFilesSixteenBitsOnACpu) {
  const ModelInfo model = FullSize(DType::kBF16);
  EXPECT_EQ(DitPrecision(model, at::kFloat, false).compute, at::kFloat);
  EXPECT_EQ(DitPrecision(model, at::kFloat, false).stored, at::kBFloat16);
  EXPECT_EQ(TextEncoderPrecision(model, at::kFloat, false).stored, at::kBFloat16);
  EXPECT_EQ(TextEncoderPrecision(FullSize(DType::kF16), at::kFloat, false).stored, at::kHalf);
  EXPECT_FALSE(DitPrecision(FullSize(DType::kF32), at::kFloat, false).converts());
  EXPECT_FALSE(DitPrecision(model, at::kFloat, true).converts()) << "a GPU has its own memory";
}

TEST(Precision, ScaledMergedAndSmallWeightsAreLoadedInFp32) {
  ModelInfo scaled = FullSize(DType::kF8E4M3);
  scaled.text_views.scales["blocks.0.attn.q.weight"] = {DType::kF32, {}, nullptr, 0};
  EXPECT_FALSE(TextEncoderPrecision(scaled, at::kFloat, false).converts());
  ModelInfo merged = FullSize(DType::kBF16);
  merged.loras.emplace_back();
  EXPECT_FALSE(DitPrecision(merged, at::kFloat, false).converts());
  ModelInfo small = FullSize(DType::kBF16);
  small.dit.num_layers = 2;
  EXPECT_FALSE(DitPrecision(small, at::kFloat, false).converts());
}

// fp8 is the denoiser's; a text encoder is in codes where its file has them all, in any dtype.
TEST(Precision, CodesAreTheRunsChoiceOrTheTextEncodersFile) {
  ModelInfo model = FullSize(DType::kBF16);
  const Precision fp8 = DitPrecision(model, at::kFloat8_e4m3fn, /*on_gpu=*/true);
  EXPECT_TRUE(fp8.fp8);
  EXPECT_EQ(fp8.compute, at::kBFloat16);
  EXPECT_FALSE(fp8.converts());
  EXPECT_FALSE(DitPrecision(model, at::kBFloat16, true).fp8);
  EXPECT_FALSE(TextEncoderPrecision(model, at::kFloat8_e4m3fn, true).fp8);
  EXPECT_EQ(TextEncoderPrecision(model, at::kFloat8_e4m3fn, true).compute, at::kBFloat16);
  model = FullSize(DType::kF8E4M3);
  EXPECT_TRUE(TextEncoderPrecision(model, at::kBFloat16, true).fp8);
  EXPECT_TRUE(TextEncoderPrecision(model, at::kFloat, false).fp8);
  model.text_views.scales["blocks.0.attn.q.weight"] = {DType::kF32, {1, 4096}, nullptr, 0};
  EXPECT_FALSE(TextEncoderPrecision(model, at::kBFloat16, true).fp8) << "a scale per column";
}

TEST(Precision, CpusRefuseFp8) { EXPECT_THROW(ResolveDtype(ComputeDtype::kFp8, at::kCPU), Error); }

TEST(Precision, Bf16IsEmulatedByNoCpu) {
  const ModelInfo model = FullSize(DType::kF32);
  const Precision precision = DitPrecision(model, at::kBFloat16, false);
  EXPECT_EQ(precision.stored, at::kBFloat16);
  EXPECT_EQ(precision.compute, CpuMultipliesBf16() ? at::kBFloat16 : at::kFloat);
  EXPECT_EQ(DitPrecision(model, at::kBFloat16, true).compute, at::kBFloat16);
}

}  // namespace
}  // namespace t3
