// Names of files that people have, and what is known of them.
#include "config/distilled.h"

#include <gtest/gtest.h>

namespace t3 {
namespace {

constexpr int64_t kWidth13B = 1536, kWidth5B = 3072, kWidth14B = 5120;

FileTraits Named(int64_t dim, std::vector<std::string> names, std::string tensor = "") {
  return {dim, std::move(names), [tensor](std::string_view part) { return tensor == part; }};
}

std::string NameOf(const FileTraits& file) {
  const DistilledMatch match = FindDistilledWeights(file);
  return match.weights == nullptr ? "" : match.weights->name;
}

TEST(Distilled, FilesAreRecognised) {
  const std::string generic = "diffusion_pytorch_model.safetensors";
  EXPECT_EQ(NameOf(Named(kWidth13B, {generic}, "to_gate_compress")), "FastWan2.1-T2V-1.3B");
  EXPECT_EQ(NameOf(Named(kWidth13B, {generic, "transformer", "FastWan2.1-T2V-1.3B-Diffusers"})),
            "FastWan2.1-T2V-1.3B");
  EXPECT_EQ(
      NameOf(Named(kWidth5B, {generic, "transformer", "FastWan2.2-TI2V-5B-FullAttn-Diffusers"})),
      "FastWan2.2-TI2V-5B");
  EXPECT_EQ(NameOf(Named(kWidth5B, {"Wan2_2_5B_FastWanFullAttn_lora_rank_128_bf16.safetensors"})),
            "FastWan2.2-TI2V-5B");
  EXPECT_EQ(NameOf(Named(kWidth5B, {generic, "Wan2.2-TI2V-5B-Turbo"})), "Wan2.2-TI2V-5B-Turbo");
  EXPECT_EQ(NameOf(Named(kWidth5B, {"Wan22_TI2V_5B_Turbo_lora_rank_64_fp16.safetensors"})),
            "Wan2.2-TI2V-5B-Turbo");
  EXPECT_EQ(NameOf(Named(kWidth13B, {"rCM_Wan2.1_T2V_1.3B_480p.pt"})), "rCM");
  EXPECT_EQ(NameOf(Named(kWidth13B, {"Wan21_CausVid_bidirect2_T2V_1_3B_lora_rank32.safetensors"})),
            "CausVid");
  EXPECT_EQ(NameOf(Named(kWidth14B, {"wan2.1_t2v_14b_lora_rank64_lightx2v_4step.safetensors"})),
            "LightX2V 4-step");
  EXPECT_EQ(
      NameOf(Named(kWidth14B, {"Wan21_T2V_14B_lightx2v_cfg_step_distill_lora_rank32.safetensors"})),
      "LightX2V step distillation");
}

TEST(Distilled, OtherFilesAreNot) {
  for (const char* name :
       {"diffusion_pytorch_model.safetensors", "wan2.1_t2v_1.3B_fp16.safetensors",
        "Wan2.1-T2V-1.3B", "TurboWan2.1-T2V-1.3B-480P.pth", "arcminute.safetensors",
        "T3-Video-Wan2.2-5B.safetensors", "lightx2v_style.safetensors"}) {
    EXPECT_EQ(NameOf(Named(kWidth13B, {name})), "") << name;
    EXPECT_EQ(NameOf(Named(kWidth5B, {name})), "") << name;
  }
  // The tensors are those of another size.
  EXPECT_EQ(NameOf(Named(kWidth5B, {"model.safetensors"}, "to_gate_compress")), "");
}

TEST(Distilled, TensorsAndNamesAreToldApart) {
  EXPECT_TRUE(FindDistilledWeights(Named(kWidth13B, {"x"}, "to_gate_compress")).by_tensor);
  EXPECT_FALSE(FindDistilledWeights(Named(kWidth13B, {"FastWan.safetensors"})).by_tensor);
}

TEST(Distilled, AllHaveNoGuidanceAndFewSteps) {
  const SamplingConfig fast =
      FindDistilledWeights(Named(kWidth5B, {"FastWan.safetensors"})).weights->sampling;
  EXPECT_EQ(fast.timesteps, (std::vector<double>{1000, 757, 522}));
  EXPECT_EQ(fast.sampler, Sampler::kRenoise);
  for (const char* name : {"fastwan", "x_5b_turbo_x", "x_rcm_x", "causvid", "lightx2v_4step",
                           "lightx2v_step_distill"}) {
    const DistilledMatch match = FindDistilledWeights(Named(kWidth5B, {name}));
    ASSERT_NE(match.weights, nullptr) << name;
    const SamplingConfig& sampling = match.weights->sampling;
    EXPECT_EQ(sampling.guidance, 1) << name;
    EXPECT_LT(sampling.steps, 10) << name;
    EXPECT_TRUE(!sampling.has_list() || sampling.list_length() == sampling.steps) << name;
    EXPECT_EQ(FaultOfLevels(sampling.timesteps, kMaxTimestep), "") << name;
  }
}

TEST(Distilled, CausalModelsAreNamed) {
  EXPECT_EQ(CausalMethodOf(Named(kWidth13B, {"self_forcing_dmd.pt"})), "Self-Forcing");
  EXPECT_EQ(CausalMethodOf(Named(kWidth13B, {"longlive_base.pt"})), "LongLive");
  EXPECT_EQ(CausalMethodOf(Named(kWidth13B, {"model.pt", "autoregressive_checkpoint"})),
            "CausVid's causal");
  EXPECT_EQ(CausalMethodOf(Named(kWidth13B, {"model.pt", "bidirectional_checkpoint1"})), "");
  EXPECT_EQ(CausalMethodOf(Named(kWidth13B, {"model.pt", "wan", "self_forcing_runs"})), "");
}

TEST(Distilled, NamesAreSimplified) {
  EXPECT_EQ(SimplifiedName("Wan2.2-TI2V_5B.pt"), "_wan2_2_ti2v_5b_pt_");
  EXPECT_EQ(SimplifiedName("--a--"), "_a_");
  EXPECT_EQ(SimplifiedName(""), "_");
}

}  // namespace
}  // namespace t3
