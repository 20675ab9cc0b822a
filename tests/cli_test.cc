// The program as a user meets it: flags, exit codes, messages, files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "program.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string Mini21() { return ReferencePath("mini2.1"); }
std::string Mini22() { return ReferencePath("mini2.2"); }

// A short run of the small model, with `more` flags.
std::vector<std::string> Generate(const std::string& output,
                                  const std::vector<std::string>& more = {}) {
  return With({"generate", "--model", Mini21(), "--prompt", "A cat", "--size", "64x64", "--frames",
               "5", "--steps", "2", "--device", "cpu", "--output", output},
              more);
}

size_t FilesIn(const std::string& folder) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(Cli, VersionAndHelp) {
  const ProgramResult version = RunT3({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.out, HasSubstr("torch"));
  for (const char* command :
       {"generate", "decode", "resume", "encode-text", "plan", "inspect", "convert", "init",
        "prepare", "world", "train", "score", "fit-preview", "doctor", "help", "completion"}) {
    const ProgramResult help = RunT3({command, "--help"});
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("Usage")) << command;
    EXPECT_THAT(RunT3({"help", command}).out, testing::EndsWith(help.out)) << command;
  }
  EXPECT_EQ(RunT3({"-v"}).out, version.out);
  const std::string dit = RunT3({"bench", "dit", "--help"}).out;
  EXPECT_THAT(dit, HasSubstr("Usage: t3 bench dit"));
  EXPECT_EQ(RunT3({"help", "bench", "dit"}).out, dit);
  EXPECT_EQ(RunT3({"help", "bench dit"}).out, dit);
  EXPECT_EQ(RunT3({"help", "bench", "cake"}).exit_code, 2);
}

TEST(Cli, WrongUsageExitsWith2) {
  EXPECT_EQ(RunT3({}).exit_code, 2);
  EXPECT_EQ(RunT3({"make-me-a-film"}).exit_code, 2);
  EXPECT_EQ(RunT3({"generate", "--no-such-flag"}).exit_code, 2);
  EXPECT_EQ(RunT3({"generate", "--model", Mini21(), "--output", "x.mp4"}).exit_code,
            2);  // no prompt
  const TemporaryFolder folder;
  const std::vector<std::vector<std::string>> wrong{
      {"--size", "64"},
      {"--size", "0x64"},
      {"--frames", "6"},
      {"--steps", "0"},
      {"--shift", "-1"},
      {"--sampler", "ddim"},
      {"--attention", "sparse"},
      {"--windows", "1,1"},
      {"--attention", "full", "--windows", "1,1,1"},
      {"--dtype", "int4"},
      {"--device", "tpu"},
      {"--memory-limit", "lots"},
      {"--attention", "t3", "--windows", "1,1,99"},
      {"--codec", "no-such-encoder"},
      {"--image", ReferencePath("i2v.png")},
  };
  for (const std::vector<std::string>& flags : wrong) {
    const ProgramResult result = RunT3(Generate(folder / "x.mp4", flags));
    EXPECT_EQ(result.exit_code, 2) << flags[0] << " " << flags[1] << "\n" << result.err;
    EXPECT_THAT(result.err, HasSubstr("error")) << flags[1];
  }
  EXPECT_EQ(FilesIn(folder.path()), 0u);
}

TEST(Cli, FramesErrorNamesTheNearestValidCounts) {
  const TemporaryFolder folder;
  const ProgramResult result = RunT3(Generate(folder / "x.mp4", {"--frames", "80"}));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("77"));
  EXPECT_THAT(result.err, HasSubstr("81"));
}

TEST(Cli, GeneratesAVideoAndLeavesNothingElse) {
  const TemporaryFolder folder;
  const ProgramResult result = RunT3(Generate(folder / "cat.mp4", {"--dtype", "fp32"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("cat.mp4"));
  EXPECT_THAT(result.err, HasSubstr("denoising"));
  EXPECT_GT(fs::file_size(folder / "cat.mp4"), 1000u);
  EXPECT_EQ(FilesIn(folder.path()), 1u);
}

TEST(Cli, MakesOddSizesAtTheNextValidSizeAndCrops) {
  const TemporaryFolder folder;
  const ProgramResult result =
      RunT3(Generate(folder / "v.y4m", {"--size", "70x50", "--frames", "1"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("cropped"));
  std::ifstream file(folder / "v.y4m");
  std::string header;
  std::getline(file, header);
  EXPECT_THAT(header, HasSubstr("W70 H50"));
}

TEST(Cli, EqualSeedsGiveEqualLatentsAndResultsDecode) {
  const TemporaryFolder folder;
  for (const char* name : {"a.safetensors", "b.safetensors"}) {
    ASSERT_EQ(RunT3(Generate(folder / name, {"--seed", "5"})).exit_code, 0);
  }
  ASSERT_EQ(RunT3(Generate(folder / "c.safetensors", {"--seed", "6"})).exit_code, 0);
  const auto bytes = [&](const std::string& name) {
    std::ifstream file(folder / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(bytes("a.safetensors"), bytes("b.safetensors"));
  EXPECT_NE(bytes("a.safetensors"), bytes("c.safetensors"));
  const ProgramResult decoded = RunT3(
      {"decode", folder / "a.safetensors", "--model", Mini21(), "--output", folder / "frames/"});
  ASSERT_EQ(decoded.exit_code, 0) << decoded.err;
  EXPECT_EQ(FilesIn(folder / "frames"), 5u);
}

TEST(Cli, DecodesWithAVaeAloneAndGeneratesWithNone) {
  const TemporaryFolder folder;
  ASSERT_EQ(RunT3(Generate(folder / "a.safetensors", {})).exit_code, 0);
  const auto decode = [&](const std::string& name, const std::vector<std::string>& model) {
    std::vector<std::string> arguments{"decode", folder / "a.safetensors", "--output",
                                       folder / name};
    arguments = With(arguments, model);
    return RunT3(arguments);
  };
  const std::string vae = Mini21() + "/Wan2.1_VAE.pth";
  ASSERT_EQ(decode("whole.y4m", {"--model", Mini21()}).exit_code, 0);
  const ProgramResult alone = decode("alone.y4m", {"--vae", vae});
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  EXPECT_EQ(ReadBytes(folder / "alone.y4m"), ReadBytes(folder / "whole.y4m"));
  const ProgramResult generated =
      RunT3({"generate", "--vae", vae, "--prompt", "x", "--output", folder / "x.mp4"});
  EXPECT_EQ(generated.exit_code, 2);
  EXPECT_THAT(generated.err, HasSubstr("needs a denoiser"));
}

// A memory limit that takes slabs: rows pass through a spool file beside the output.
TEST(Cli, DecodesTheSameWithinAMemoryLimitAndUpToAFrame) {
  const TemporaryFolder folder;
  ASSERT_EQ(
      RunT3(Generate(folder / "a.safetensors", {"--size", "128x32", "--dtype", "fp32"})).exit_code,
      0);
  const auto decode = [&](const std::string& name, std::vector<std::string> more) {
    std::vector<std::string> arguments{"decode",   folder / "a.safetensors",
                                       "--model",  Mini21(),
                                       "--dtype",  "fp32",
                                       "--device", "cpu",
                                       "--output", folder / name};
    arguments = With(arguments, more);
    return RunT3(arguments);
  };
  const ProgramResult too_little = decode("x.y4m", {"--memory-limit", "400MB"});
  EXPECT_EQ(too_little.exit_code, 1);
  // What the least takes, as the message says it in MB.
  const size_t at = too_little.err.find("at least ");
  ASSERT_NE(at, std::string::npos) << too_little.err;
  const double least = std::stod(too_little.err.substr(at + 9));
  const std::string limit = std::to_string(static_cast<int>(least) + 1) + "MB";
  const ProgramResult whole = decode("whole.y4m", {});
  const ProgramResult slabs = decode("slabs.y4m", {"--memory-limit", limit});
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  ASSERT_EQ(slabs.exit_code, 0) << slabs.err;
  EXPECT_THAT(whole.err, HasSubstr("decoding  5/5"));
  EXPECT_THAT(slabs.err, HasSubstr("decoding  10/10"));  // decoded, then written
  const auto bytes = [&](const std::string& name) {
    std::ifstream file(folder / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string a = bytes("whole.y4m"), b = bytes("slabs.y4m");
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {  // 16 bits in between can move a sample by one code
    ASSERT_LE(std::abs(static_cast<uint8_t>(a[i]) - static_cast<uint8_t>(b[i])), 1) << i;
  }
  const ProgramResult three = decode("three/", {"--last-frame", "3", "--memory-limit", limit});
  ASSERT_EQ(three.exit_code, 0) << three.err;
  EXPECT_EQ(FilesIn(folder / "three"), 3u);
  EXPECT_EQ(decode("none/", {"--last-frame", "0"}).exit_code, 2);
  const ProgramResult beyond = decode("none/", {"--last-frame", "99"});
  EXPECT_EQ(beyond.exit_code, 2);
  EXPECT_THAT(beyond.err, HasSubstr("decodes to 5 frames"));
  // Four results and the latents: the spool left nothing.
  EXPECT_EQ(FilesIn(folder.path()), 3u + 1u);
}

TEST(Cli, BenchVaeMeasuresSmallSizes) {
  const ProgramResult result =
      RunT3({"bench", "vae", "--size", "16x16", "--frames", "1", "--methods", "planned,plain",
             "--device", "cpu", "--dtype", "fp32", "--parts", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  for (const char* part : {"convolution 96 to 96, 3x3x3", "norm and SiLU", "pixels"}) {
    EXPECT_GT(json["parts_ms"].value(part, 0.0), 0) << part;
  }
  ASSERT_EQ(json["methods"].size(), 2u);
  EXPECT_GT(json["methods"][0]["seconds"][0].get<double>(), 0);
  EXPECT_LT(json["methods"][1]["largest_difference"].get<double>(), 1e-4);
  EXPECT_EQ(RunT3({"bench", "vae", "--methods", "fast"}).exit_code, 2);
}

TEST(Cli, BenchVaeScalesAPartAndSaysSo) {
  const ProgramResult result = RunT3(
      {"bench", "vae", "--size", "16x16", "--frames", "5", "--methods", "planned,plain,tiled",
       "--plain-frames", "1", "--tiles", "2", "--device", "cpu", "--dtype", "fp32", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto methods = nlohmann::json::parse(result.out)["methods"];
  EXPECT_FALSE(methods[0].contains("from"));
  EXPECT_THAT(methods[1]["from"].get<std::string>(), HasSubstr("1 of 5 frames"));
  EXPECT_THAT(methods[2]["from"].get<std::string>(), HasSubstr("2 of 4 tiles"));
  EXPECT_THAT(methods[2]["from"].get<std::string>(), HasSubstr("scaled by their area, 2.00"));
  EXPECT_FALSE(methods[1].contains("largest_difference"));  // there is no whole video to compare
  EXPECT_EQ(RunT3({"bench", "vae", "--tiles", "-1"}).exit_code, 2);
}

TEST(Cli, BenchFileTimesDecoderAndEncoderAloneAndTogether) {
  const TemporaryFolder folder;
  ASSERT_EQ(RunT3(Generate(folder / "a.safetensors", {"--size", "64x32"})).exit_code, 0);
  const auto bench = [&](const std::string& output) {
    return RunT3({"bench", "file", folder / "a.safetensors", "--model", Mini21(), "--device", "cpu",
                  "--dtype", "fp32", "--last-frame", "3", "--json", "--output", output});
  };
  const ProgramResult result = bench(folder / "b.y4m");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["frames"], 3);
  const double decoder = json["decoder_seconds"], encoder = json["encoder_seconds"];
  EXPECT_GT(std::min(decoder, encoder), 0);
  EXPECT_DOUBLE_EQ(json["of_the_slower"].get<double>(),
                   json["together_seconds"].get<double>() / std::max(decoder, encoder));
  EXPECT_GT(std::filesystem::file_size(folder / "b.y4m"), 3 * 64 * 32 * 3 / 2);
  EXPECT_EQ(bench(folder / "b.safetensors").exit_code, 2);
}

// Pictures that the program itself made become a dataset.
TEST(Cli, PreparesADatasetAndContinuesIt) {
  const TemporaryFolder folder;
  ASSERT_EQ(RunT3(Generate(folder / "frames/", {"--size", "32x32"})).exit_code, 0);
  std::ofstream(folder / "list.json") << R"([{"file": "frames", "caption": "A cat"},
    {"file": "frames/frame_00000.png", "caption": "A still cat"},
    {"file": "gone.mp4", "caption": "A ghost"}])";
  const std::vector<std::string> prepare{
      "prepare", folder / "list.json", "--model", Mini21(),   "--output", folder / "data", "--size",
      "32x32",   "--frames",           "5",       "--device", "cpu"};
  const ProgramResult first = RunT3(prepare);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("2 clips (2 new), 2 captions"));
  EXPECT_THAT(first.err, HasSubstr("rejected: gone.mp4: there is no such file"));
  EXPECT_THAT(first.err, HasSubstr("encoding clips"));
  std::ifstream file(folder / "data/rejected.json");
  const auto rejected = nlohmann::json::parse(file);
  EXPECT_EQ(rejected.at(0).at("file"), "gone.mp4");
  const ProgramResult second = RunT3(prepare);
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_THAT(second.out, HasSubstr("2 clips (0 new)"));

  std::vector<std::string> other = prepare;
  other[7] = "64x32";
  const ProgramResult refused = RunT3(other);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("its sizes were 32x32x5, now 64x32x5"));
  other[7] = "33x32";
  EXPECT_EQ(RunT3(other).exit_code, 2);

  other = prepare;
  other = With(other, {"--draft", "16x16"});
  EXPECT_THAT(RunT3(other).err, HasSubstr("its draft was none, now 16x16"));
  other[5] = folder / "pairs";
  const ProgramResult pairs = RunT3(other);
  ASSERT_EQ(pairs.exit_code, 0) << pairs.err;
  EXPECT_THAT(pairs.out, HasSubstr("32x32x5: 1 clip with drafts of 16x16"));
  for (const char* draft : {"48x48", "17x16", "16"}) {
    other.back() = draft;
    EXPECT_EQ(RunT3(other).exit_code, 2) << draft;
  }
}

TEST(Cli, TextEmbedsStandInForTheTextEncoder) {
  const TemporaryFolder folder;
  ASSERT_EQ(RunT3({"encode-text", "--model", Mini21(), "--prompt", "A cat", "--dtype", "fp32",
                   "--output", folder / "text.safetensors"})
                .exit_code,
            0);
  ASSERT_EQ(RunT3(Generate(folder / "a.safetensors", {"--dtype", "fp32"})).exit_code, 0);
  const ProgramResult result = RunT3(
      {"generate", "--dit", Mini21() + "/diffusion_pytorch_model.safetensors", "--text-embeds",
       folder / "text.safetensors", "--size", "64x64", "--frames", "5", "--steps", "2", "--device",
       "cpu", "--dtype", "fp32", "--output", folder / "b.safetensors"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(fs::file_size(folder / "a.safetensors") > 0,
            fs::file_size(folder / "b.safetensors") > 0);
}

TEST(Cli, PromptFileContinuesPastABadEntry) {
  const TemporaryFolder folder;
  std::ofstream(folder / "prompts.json")
      << R"([{"prompt_en": "one"}, {"data_file": "x"}, "three"])";
  const ProgramResult result = RunT3(
      {"generate", "--model", Mini21(), "--prompt-file", folder / "prompts.json", "--size", "64x64",
       "--frames", "1", "--steps", "1", "--device", "cpu", "--output", folder / "out/"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("prompts.json:2"));
  EXPECT_THAT(result.err, HasSubstr("1 of 3 videos failed"));
  EXPECT_TRUE(fs::exists(folder / "out/001-one.mp4"));
  EXPECT_TRUE(fs::exists(folder / "out/003-three.mp4"));
}

TEST(Cli, BadInputFailsBeforeWorkAndLeavesNothing) {
  const TemporaryFolder folder;
  const std::string model = folder / "model";
  fs::copy(Mini21(), model, fs::copy_options::recursive);
  const std::string output = folder / "x.mp4";
  const auto generate = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = Generate(output, more);
    arguments[2] = model;
    return RunT3(arguments);
  };
  const ProgramResult wrong_vae = generate({"--vae", Mini22() + "/Wan2.2_VAE.pth"});
  EXPECT_EQ(wrong_vae.exit_code, 1);
  EXPECT_THAT(wrong_vae.err, HasSubstr("48"));
  const ProgramResult no_folder = RunT3(Generate(folder / "missing/x.mp4"));
  EXPECT_EQ(no_folder.exit_code, 1);
  EXPECT_THAT(no_folder.err, HasSubstr("missing"));
  fs::resize_file(model + "/diffusion_pytorch_model.safetensors", 100'000);
  const ProgramResult truncated = generate({});
  EXPECT_EQ(truncated.exit_code, 1);
  EXPECT_THAT(truncated.err, HasSubstr("diffusion_pytorch_model.safetensors"));
  EXPECT_FALSE(fs::exists(output));
}

TEST(Cli, FullDiskKeepsTheLatents) {
  const TemporaryFolder folder;
  // Latents of 64x64x5 take some 9 kB, raw frames 31 kB.
  const ProgramResult result = RunT3(Generate(folder / "x.y4m"), {.file_limit = 20'000});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("t3 decode"));
  EXPECT_FALSE(fs::exists(folder / "x.y4m"));
  EXPECT_TRUE(fs::exists(folder / "x.y4m.latents.safetensors"));
}

TEST(Cli, InterruptEndsCleanly) {
  const TemporaryFolder folder;
  const ProgramResult result =
      RunT3(Generate(folder / "x.mp4", {"--steps", "1000", "--size", "256x256"}),
            {.seconds_to_interrupt = 3});
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_FALSE(fs::exists(folder / "x.mp4"));
  // At most the state, where a step was done before.
  for (const std::string& name : NamesIn(folder.path())) {
    EXPECT_EQ(name, "x.mp4.checkpoint.safetensors");
    EXPECT_THAT(result.err, HasSubstr("t3 resume"));
  }
}

TEST(Cli, PlanPrintsThePublishedNumbers) {
  const ProgramResult result = RunT3(
      {"plan", "--preset", "wan2.1-1.3b-t3", "--size", "3840x2176", "--frames", "81", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json plan = nlohmann::json::parse(result.out);
  EXPECT_EQ(plan["tokens"], 685'440);
  EXPECT_EQ(plan["windows"], "21,1,1;1,17,30;1,8,40;3,17,8;7,8,6");
  EXPECT_NEAR(plan["attention_tmac"].get<double>(), 594.5, 0.1);
  EXPECT_NEAR(plan["full_attention_tmac"].get<double>(), 43'299, 1);
}

// A safetensors file with one tensor of four zero bytes.
std::string OneTensor(const std::string& path, const std::string& name,
                      const std::string& metadata) {
  const std::string header = "{\"__metadata__\":{" + metadata + "},\"" + name +
                             "\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1],\"data_offsets\":[0,4]}}";
  const uint64_t size = header.size();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&size), sizeof(size));
  file << header << std::string(4, '\0');
  return path;
}

TEST(Cli, InspectPrintsWhatAFileHolds) {
  const ProgramResult model = RunT3({"inspect", Mini21()});
  EXPECT_EQ(model.exit_code, 0);
  EXPECT_THAT(model.out, HasSubstr("dim 128, ffn_dim 48, num_heads 4, num_layers 5"));
  EXPECT_THAT(model.out, HasSubstr("eps 1e-06\n  complete\n"));
  EXPECT_THAT(model.out, HasSubstr(Mini21() + "\n  complete model\n"));
  const TemporaryFolder folder;
  const std::string latents = OneTensor(folder / "l.safetensors", "latents",
                                        R"("t3.prompt":"\u001b[2J","t3.mean":"[1, 2]")");
  const ProgramResult text = RunT3({"inspect", latents});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, HasSubstr("t3.prompt = '\\x1b[2J'\n"));
  EXPECT_THAT(text.out, HasSubstr("t3.mean = 2 numbers\n"));
  EXPECT_THAT(text.out, HasSubstr("shape [1,1,1,1]"));
  const ProgramResult both =
      RunT3({"inspect", "--json", latents, OneTensor(folder / "o.safetensors", "other", "")});
  EXPECT_EQ(both.exit_code, 1);
  EXPECT_EQ(both.out.find('\x1b'), std::string::npos);
  const auto list = nlohmann::json::parse(both.out);
  EXPECT_EQ(list[0]["complete"], true);
  EXPECT_EQ(list[0]["sizes"]["shape"].size(), 4U);
  EXPECT_EQ(list[1]["sizes"], nullptr);
  EXPECT_FALSE(list[1].contains("networks"));
}

TEST(Cli, InspectAndConvert) {
  const TemporaryFolder folder;
  const ProgramResult inspected = RunT3({"inspect", Mini21() + "/Wan2.1_VAE.pth", "--json"});
  ASSERT_EQ(inspected.exit_code, 0) << inspected.err;
  EXPECT_EQ(nlohmann::json::parse(inspected.out)["complete"], true);
  EXPECT_EQ(RunT3({"inspect", ReferencePath("i2v.png")}).exit_code, 1);
  const ProgramResult converted =
      RunT3({"convert", Mini21() + "/Wan2.1_VAE.pth", folder / "Wan2.1_VAE.safetensors"});
  ASSERT_EQ(converted.exit_code, 0) << converted.err;
  const ProgramResult result =
      RunT3(Generate(folder / "x.mp4", {"--vae", folder / "Wan2.1_VAE.safetensors"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

}  // namespace
}  // namespace t3
