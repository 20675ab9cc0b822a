// Small decoders as a user meets them: flags, plans, previews, inspect, convert, benchmark.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "program.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using Arguments = std::vector<std::string>;

const std::string kPlain = T3_SOURCE_DIR "/tests/data/oracle/taehv_plain.pth";
const std::string kSuper = T3_SOURCE_DIR "/tests/data/oracle/taehv_super.safetensors";

Arguments Small(const std::string& model, const Arguments& more) {
  Arguments arguments{"generate", "--model",  ReferencePath(model),
                      "--prompt", "A cat",    "--size",
                      "64x64",    "--frames", "5",
                      "--steps",  "2",        "--device",
                      "cpu"};
  arguments = With(arguments, more);
  return arguments;
}

TEST(DecoderCli, GeneratesAndDecodesWithATaehv) {
  const TemporaryFolder folder;
  const std::string video = folder / "a.y4m", latents = folder / "a.safetensors";
  const ProgramResult made =
      RunT3(Small("mini2.1", {"--vae", kPlain, "--output", video, "--save-latents", latents}));
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.err, HasSubstr("decoder    taehv_plain.pth, TAEHV"));
  for (const Arguments& model :
       {Arguments{"--model", ReferencePath("mini2.1"), "--decoder", kPlain},
        Arguments{"--vae", kPlain}, Arguments{"--decoder", kPlain}}) {
    Arguments arguments{"decode", latents, "--output", folder / "b.y4m", "--overwrite"};
    arguments = With(arguments, model);
    const ProgramResult decoded = RunT3(arguments);
    ASSERT_EQ(decoded.exit_code, 0) << decoded.err;
    EXPECT_EQ(ReadBytes(folder / "b.y4m"), ReadBytes(video));
  }
  const ProgramResult three = RunT3({"decode", latents, "--decoder", kPlain, "--last-frame", "3",
                                     "--output", folder / "three.safetensors"});
  ASSERT_EQ(three.exit_code, 0) << three.err;
  EXPECT_EQ(
      json::parse(RunT3({"inspect", folder / "three.safetensors", "--json"}).out)["sizes"]["shape"],
      json({3, 3, 64, 64}));
  // A tensor of all frames is 246 kB beside what the decoder takes.
  const ProgramResult whole =
      RunT3({"decode", latents, "--decoder", kPlain, "--device", "cpu", "--memory-limit", "200KB",
             "--output", folder / "whole.safetensors"});
  EXPECT_EQ(whole.exit_code, 1);
  EXPECT_THAT(whole.err, HasSubstr("is in memory as a whole and takes 245.8 kB"));
  // The VAE's picture is another, and is not taken for an earlier result of the same.
  const Arguments own{"decode", latents, "--model", ReferencePath("mini2.1"), "--output", video};
  EXPECT_THAT(RunT3(own).err, HasSubstr("overwrite"));
}

TEST(DecoderCli, AnImageIsEncodedByTheModelsOwnVae) {
  const TemporaryFolder folder;
  const Arguments image{"--image", ReferencePath("i2v.png"), "--output", folder / "a.y4m"};
  Arguments whole = Small("mini2.2", image);
  whole = With(whole, {"--vae", kSuper});
  const ProgramResult made = RunT3(whole);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const std::string mini = ReferencePath("mini2.2");
  Arguments parts{"generate",
                  "--dit",
                  mini + "/diffusion_pytorch_model.safetensors",
                  "--text-encoder",
                  mini + "/models_t5_umt5-xxl-enc-bf16.pth",
                  "--tokenizer",
                  mini + "/google/umt5-xxl/spiece.model",
                  "--attention",
                  "t3",
                  "--prompt",
                  "A cat",
                  "--size",
                  "64x64",
                  "--frames",
                  "5",
                  "--steps",
                  "2",
                  "--vae",
                  kSuper};
  parts.insert(parts.end(), image.begin(), image.end());
  const ProgramResult refused = RunT3(parts);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("needs the model's own VAE"));
  EXPECT_THAT(refused.err, HasSubstr("--decoder FILE"));
}

TEST(DecoderCli, WrongDecodersAreRefusedBeforeWork) {
  const TemporaryFolder folder;
  const auto refused = [&](int code, const Arguments& more) {
    Arguments arguments = Small("mini2.1", {"--output", folder / "x.y4m"});
    arguments = With(arguments, more);
    const ProgramResult result = RunT3(arguments);
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_FALSE(fs::exists(folder / "x.y4m"));
    return result.err;
  };
  EXPECT_THAT(refused(1, {"--vae", kSuper}), HasSubstr("48 channels"));
  EXPECT_THAT(refused(1, {"--decoder", "no.pth"}), HasSubstr("--decoder no.pth"));
  EXPECT_THAT(refused(2, {"--preview-decoder", kPlain}), HasSubstr("--preview"));
  const Arguments preview{"--preview", folder / "p.png", "--preview-decoder"};
  const auto with = [&](const std::string& file) {
    Arguments arguments = preview;
    arguments.push_back(file);
    return arguments;
  };
  EXPECT_THAT(refused(1, with(kSuper)), HasSubstr("48 channels"));
  EXPECT_THAT(refused(1, with(ReferencePath("mini2.1") + "/Wan2.1_VAE.pth")),
              HasSubstr("wanted a TAEHV"));
  EXPECT_TRUE(NamesIn(folder.path()).empty());
}

TEST(DecoderCli, ASmallBudgetTakesTheSmallestPlan) {
  const ProgramResult result =
      RunT3({"plan", "--model", ReferencePath("mini2.1"), "--decoder", kPlain, "--size", "960x960",
             "--frames", "5", "--memory-limit", "300MB"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("TAEHV, whole frames, 1 latent frame per pass"));
}

// For a few frames the VAE in slabs takes less.
TEST(DecoderCli, ARefusalNamesTheModelsOwnVaeWhereItFits) {
  const TemporaryFolder folder;
  std::ofstream(folder / "c.json") << R"({"taehv": {}})";
  ASSERT_EQ(RunT3({"init", folder / "c.json", "--seed", "1", "--output", folder / "m"}).exit_code,
            0);
  const ProgramResult result = RunT3({"generate",
                                      "--model",
                                      ReferencePath("mini2.1"),
                                      "--decoder",
                                      folder / "m/taew2_1.safetensors",
                                      "--prompt",
                                      "x",
                                      "--size",
                                      "2560x1408",
                                      "--frames",
                                      "5",
                                      "--steps",
                                      "2",
                                      "--attention",
                                      "t3",
                                      "--device",
                                      "cpu",
                                      "--dtype",
                                      "fp32",
                                      "--dry-run",
                                      "--memory-limit",
                                      "2.9GB",
                                      "--output",
                                      folder / "x.y4m"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("the model's own VAE, without --decoder"));
}

TEST(DecoderCli, PreviewsShowDecodedFrames) {
  const TemporaryFolder folder;
  const std::string png = folder / "p.png";
  for (const Arguments& decoder :
       {Arguments{"--preview-decoder", kPlain}, Arguments{"--decoder", kPlain}}) {
    Arguments arguments =
        Small("mini2.1", {"--preview", png, "--output", folder / "x.safetensors", "--overwrite"});
    arguments = With(arguments, decoder);
    const ProgramResult result = RunT3(arguments);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err.find("fitting the preview"), std::string::npos);
    // Two latent frames of 64x64 pixels.
    EXPECT_EQ(ReadBytes(png).substr(16, 8), std::string("\0\0\0\x80\0\0\0\x40", 8));
  }
}

TEST(DecoderCli, PlansNameTheDecoder) {
  const ProgramResult result = RunT3({"plan", "--model", ReferencePath("mini2.1"), "--decoder",
                                      kPlain, "--size", "64x64", "--frames", "5", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json plan = json::parse(result.out);
  EXPECT_EQ(plan["decoder"], "TAEHV");
  EXPECT_THAT(plan["memory"].back()["note"].get<std::string>(),
              HasSubstr("2 latent frames per pass"));
  const double own = json::parse(RunT3({"plan", "--model", ReferencePath("mini2.1"), "--size",
                                        "64x64", "--frames", "5", "--json"})
                                     .out)["decode_tmac"];
  EXPECT_NE(plan["decode_tmac"].get<double>(), own);
}

TEST(DecoderCli, InspectKnowsAndConvertKeeps) {
  const TemporaryFolder folder;
  const std::string converted = folder / "lighttae.safetensors";
  ASSERT_EQ(RunT3({"convert", kPlain, converted}).exit_code, 0);
  json reports[2];
  for (int i = 0; i < 2; ++i) {
    const ProgramResult result = RunT3({"inspect", i == 0 ? kPlain : converted, "--json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    reports[i] = json::parse(result.out);
    EXPECT_EQ(reports[i]["kind"], "TAEHV");
    EXPECT_EQ(reports[i]["complete"], true);
    EXPECT_EQ(reports[i]["sizes"]["encoder"], true);
  }
  EXPECT_EQ(reports[0]["parameters"], reports[1]["parameters"]);
  // By its name the converted file wants latents that are not normalised; another conversion keeps
  // that whatever its name.
  EXPECT_EQ(reports[0]["sizes"]["latents"], "normalised");
  EXPECT_EQ(reports[1]["sizes"]["latents"], "not normalised");
  ASSERT_EQ(RunT3({"convert", converted, folder / "mine.safetensors"}).exit_code, 0);
  EXPECT_EQ(json::parse(
                RunT3({"inspect", folder / "mine.safetensors", "--json"}).out)["sizes"]["latents"],
            "not normalised");
}

TEST(DecoderCli, InitMakesOneThatTheBenchmarkTakes) {
  const TemporaryFolder folder;
  std::ofstream(folder / "c.json")
      << R"({"taehv": {"latent_channels": 48, "blocks": "super", "widths": [16, 8, 8]}})";
  ASSERT_EQ(RunT3({"init", folder / "c.json", "--seed", "1", "--output", folder / "m"}).exit_code,
            0);
  const std::string file = folder / "m/taew2_2_super.safetensors";
  const Arguments bench{"bench", "vae",      "--vae", file,      "--size", "64x32", "--frames",
                        "5",     "--device", "cpu",   "--dtype", "fp32",   "--json"};
  const ProgramResult result = RunT3(bench);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json report = json::parse(result.out);
  ASSERT_EQ(report["methods"].size(), 1u);
  EXPECT_GT(report["methods"][0]["seconds"][0].get<double>(), 0);
  EXPECT_THAT(report["decoder"].get<std::string>(), HasSubstr("TAEHV super"));
  Arguments plain = bench;
  plain = With(plain, {"--methods", "plain"});
  EXPECT_EQ(RunT3(plain).exit_code, 2);
}

}  // namespace
}  // namespace t3
