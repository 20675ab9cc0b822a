// t3 eval as a user meets it: a random model measured, interrupted, compared with itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "program.h"
#include "small_lora.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class EvalCli : public ::testing::Test {
 protected:
  // Of a small model with random weights, at 64x48 with 5 frames.
  ProgramResult Eval(std::vector<std::string> more, const ProgramOptions& options = {}) const {
    more.insert(more.begin(), {"eval", "--size", "64x48", "--frames", "5", "--device", "cpu"});
    return RunT3(more, options);
  }
  ProgramResult EvalModel(std::vector<std::string> more, const ProgramOptions& options = {}) const {
    more.insert(more.begin(), {"--model", ReferencePath("mini2.1"), "--steps", "2", "--attention",
                               "full", "--dtype", "fp32"});
    return Eval(more, options);
  }
  json Json(const std::string& name) const { return json::parse(ReadBytes(folder_ / name)); }

  TemporaryFolder folder_;
};

TEST_F(EvalCli, MeasuresAModel) {
  const ProgramResult result = EvalModel({"--clips", "2", "--loss-clips", "3", "--json",
                                          folder_ / "a.json", "--save-sheet", folder_ / "a.png"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("2 held-out scenes from 9000000, 64x48x5"));
  EXPECT_THAT(result.out, HasSubstr("validation loss"));
  EXPECT_THAT(result.err, HasSubstr("measuring"));
  EXPECT_THAT(result.err, HasSubstr("note: few steps (2) give noise"));
  const json record = Json("a.json");
  EXPECT_EQ(record["steps"], 2);
  EXPECT_EQ(record["attention"], "full");
  EXPECT_EQ(record["interrupted"], false);
  EXPECT_GT(record["forward_seconds"], 0);
  EXPECT_GT(record["attention_tmac"], 0);
  ASSERT_EQ(record["clips"].size(), 3U);
  EXPECT_EQ(record["clips"][1]["scene"], 9'000'001);
  EXPECT_GT(record["clips"][1]["measures"]["seconds"], 0);
  EXPECT_TRUE(record["clips"][1]["wanted"].contains("land"));
  EXPECT_FALSE(record["clips"][2].contains("read"));
  EXPECT_EQ(record["summary"]["loss"]["clips"], 3);
  const json land = record["summary"]["land"];
  EXPECT_EQ(land["clips"], 2);
  EXPECT_GE(land["low"], 0);
  EXPECT_LE(land["high"], 1);
  EXPECT_THAT(result.out, testing::ContainsRegex("land +[0-9.]+ % \\([0-9.]+ to [0-9.]+ %\\)"));
  EXPECT_GT(fs::file_size(folder_ / "a.png"), 1000U);
}

TEST_F(EvalCli, TogetherOrOneAfterTheOtherIsTheSame) {
  ASSERT_EQ(
      EvalModel({"--clips", "2", "--loss-clips", "2", "--json", folder_ / "a.json"}).exit_code, 0);
  const ProgramResult batch = EvalModel(
      {"--clips", "2", "--loss-clips", "2", "--batch", "2", "--json", folder_ / "b.json"});
  ASSERT_EQ(batch.exit_code, 0) << batch.err;
  const json a = Json("a.json"), b = Json("b.json");
  for (size_t i = 0; i < 2; ++i) {
    const json x = a["clips"][i]["measures"], y = b["clips"][i]["measures"];
    // The same noise and texts by other operations of fp32: 2e-7 apart, a few roundings.
    EXPECT_NEAR(x["detail_ratio"], y["detail_ratio"], 1e-5 * x["detail_ratio"].get<double>());
    EXPECT_EQ(x["loss"], y["loss"]);
  }
  EXPECT_NE(a["clips"][0]["measures"]["detail_ratio"], a["clips"][1]["measures"]["detail_ratio"]);
  const ProgramResult compared = Eval({"--compare", folder_ / "a.json", folder_ / "b.json",
                                       "--margin", "-0.05", "--json", folder_ / "c.json"});
  ASSERT_EQ(compared.exit_code, 0) << compared.err;
  EXPECT_THAT(compared.out, HasSubstr("is the interval above -0.05"));
  for (const json& row : Json("c.json")["measures"]) {
    if (row["measure"] != "loss") continue;
    EXPECT_EQ(row["gain"], 0);
    EXPECT_EQ(row["clips"], 2);
    EXPECT_EQ(row["above_margin"], true);
  }
}

TEST_F(EvalCli, ComparesDetailWithAnEnlargementOfItsOwnSmallClip) {
  const auto run = [&](const std::string& small) {
    return RunT3({"eval",       "--model", ReferencePath("mini2.1"),
                  "--size",     "128x96",  "--frames",
                  "5",          "--steps", "1",
                  "--guidance", "1",       "--attention",
                  "full",       "--clips", "1",
                  "--device",   "cpu",     "--enlarged-from",
                  small,        "--json",  folder_ / "e.json"});
  };
  const ProgramResult result = run("64x48");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("detail, of a bicubic's"));
  const json record = Json("e.json");
  EXPECT_EQ(record["enlarged_from"], "64x48");
  // Random weights make noise at either size, of which bicubic interpolation leaves little.
  EXPECT_GT(record["clips"][0]["measures"]["detail_over_bicubic"], 1);
  EXPECT_THAT(run("128x96").err, HasSubstr("wanted a size below 128x96 of the same shape"));
  EXPECT_THAT(run("64x32").err, HasSubstr("wanted a size below 128x96 of the same shape"));
  EXPECT_THAT(Eval({"--truth", "--enlarged-from", "32x32"}).err,
              HasSubstr("--enlarged-from needs clips that a model generates"));
}

// Bytes of the largest stage of a video and of its draft.
int64_t LargestStage(const std::string& model) {
  const ProgramResult plan = RunT3(
      {"generate", "--model",   model,        "--prompt", "x",        "--size",      "128x96",
       "--draft",  "64x48",     "--frames",   "5",        "--dtype",  "fp32",        "--device",
       "cpu",      "--dry-run", "--progress", "json",     "--output", model + ".mp4"});
  EXPECT_EQ(plan.exit_code, 0) << plan.err;
  int64_t largest = 0;
  const json described = json::parse(plan.out);
  for (const json& stage : described["memory"])
    largest = std::max(
        largest, stage["weights_bytes"].get<int64_t>() + stage["activation_bytes"].get<int64_t>());
  return largest;
}

// Two denoisers, of the draft and of the video, where only the largest stage fits: they work in
// turn, and the clips are the same.
TEST_F(EvalCli, NetworksThatDoNotFitTogetherWorkInTurn) {
  const std::string model = folder_ / "model";
  fs::copy(ReferencePath("mini2.1"), model, fs::copy_options::recursive);
  WriteLora(model + "/few.safetensors", 0.5F, kFewSteps);
  WriteLora(model + "/refine.safetensors", -0.7F, kRefinerSteps);
  std::ofstream(model + "/t3.json")
      << R"({"lora": "few.safetensors", "refiner_lora": "refine.safetensors"})";
  const auto eval = [&](const std::string& name, const std::string& limit) {
    return RunT3({"eval",  "--model",        model, "--size",  "128x96",      "--draft",
                  "64x48", "--frames",       "5",   "--clips", "2",           "--batch",
                  "2",     "--loss-clips",   "1",   "--dtype", "fp32",        "--device",
                  "cpu",   "--memory-limit", limit, "--json",  folder_ / name});
  };
  const ProgramResult free = eval("free.json", "16GB");
  ASSERT_EQ(free.exit_code, 0) << free.err;
  const int64_t largest = LargestStage(model);
  const int64_t clips = 2 * 3 * 5 * 4 * (2 * 128 * 96 + 64 * 48);
  const ProgramResult tight = eval("tight.json", std::to_string(largest + clips) + "B");
  ASSERT_EQ(tight.exit_code, 0) << tight.err;
  const auto loads = [](const ProgramResult& result) {
    int64_t count = 0;
    for (size_t at = 0; (at = result.err.find("loading denoiser", at)) != std::string::npos; ++at)
      ++count;
    return count;
  };
  EXPECT_GT(loads(tight), loads(free)) << tight.err;
  json a = Json("free.json")["clips"], b = Json("tight.json")["clips"];
  for (json* clips_of : {&a, &b}) {
    for (json& clip : *clips_of) clip["measures"].erase("seconds");
  }
  EXPECT_EQ(a, b);
  EXPECT_THAT(eval("none.json", std::to_string(clips + 1'000'000) + "B").err,
              HasSubstr("needs about"));
  EXPECT_THAT(eval("none.json", "100KB").err, HasSubstr("a smaller --batch or --size takes less"));
}

TEST_F(EvalCli, TrueRendersNeedNoModel) {
  const ProgramResult result =
      Eval({"--truth", "--clips", "3", "--json", folder_ / "t.json", "--first-seed", "5"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json record = Json("t.json");
  EXPECT_EQ(record["source"], "truth");
  EXPECT_EQ(record["clips"][2]["scene"], 7);
  EXPECT_EQ(record["summary"]["detail_ratio"]["mean"], 1);
  EXPECT_EQ(record["summary"]["color"]["mean"], 1);
}

TEST_F(EvalCli, TheVaeAlone) {
  const ProgramResult result = Eval({"--vae-only", "--model", ReferencePath("mini2.1"), "--clips",
                                     "1", "--json", folder_ / "v.json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json measures = Json("v.json")["clips"][0]["measures"];
  EXPECT_GT(measures["psnr"], 0);
  EXPECT_LT(measures["psnr"], 40);  // its weights are random
  EXPECT_FALSE(measures.contains("seconds"));
}

// What eval_text.cc prints of measurements worked by hand; tabulate_evals_test.cc has the numbers.
TEST_F(EvalCli, ComparisonsAndTablesAsText) {
  const auto write = [&](const std::string& name, const std::vector<double>& losses) {
    json record{{"size", "64x48"}, {"frames", 5}, {"forward_seconds", losses[0]}};
    for (size_t i = 0; i < losses.size(); ++i)
      record["clips"].push_back({{"scene", i + 1}, {"measures", {{"loss", losses[i]}}}});
    std::ofstream(folder_ / name) << record;
    return folder_ / name;
  };
  const std::string a1 = write("a1", {1, 2}), a2 = write("a2", {3, 2});
  const std::string b1 = write("b1", {1, 1}), b2 = write("b2", {1, 3}), one = write("one", {1});
  const std::string a = "a=" + a1 + "," + a2, b = "b=" + b1 + "," + b2;
  const std::string means = Eval({"--table", a, b, "c=" + a1}).out;
  EXPECT_THAT(means, HasSubstr("|  | a | b | c |\n|---|---|---|---|\n"));
  EXPECT_THAT(means, HasSubstr("| validation loss | 2 | 1.5 | 1.5 |\n"));
  EXPECT_THAT(means, HasSubstr("| forward, s | 2 | 1 | 1 |\n"));
  EXPECT_THAT(means, HasSubstr("| its attention, TMAC |  |  |  |\n"));
  const std::string gains =
      Eval({"--table", a, b, "--against", "a", "--margins", "loss=-20,loss=-5"}).out;
  EXPECT_THAT(gains, HasSubstr("validation loss: gain over a, margin -20\n"));
  EXPECT_THAT(gains, HasSubstr("| b | +0.5 | -5.853 to +6.853 | +0.5, +0.5 | 2 | yes |\n"));
  EXPECT_THAT(gains, HasSubstr("| 2 | no |\n"));
  EXPECT_THAT(
      Eval({"--table", "a=" + one, "b=" + one, "--against", "a", "--margins", "loss=-1"}).out,
      HasSubstr("| b | +0 | none | +0 | 1 | no |\n"));
  const std::string compared = Eval({"--compare", a1, b1, "--margin", "-6"}).out;
  EXPECT_THAT(compared, HasSubstr("last column: is the interval above -6\n"));
  EXPECT_THAT(compared, HasSubstr("+0.5        -5.853 to +6.853      2  yes\n"));
  EXPECT_THAT(Eval({"--compare", one, one}).out, HasSubstr("one clip      1\n"));
}

TEST_F(EvalCli, AnInterruptKeepsWhatWasMeasured) {
  const ProgramResult result = Eval({"--truth", "--clips", "100000", "--json", folder_ / "t.json"},
                                    {.seconds_to_interrupt = 5});
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_THAT(result.out, HasSubstr("interrupted after"));
  const json record = Json("t.json");
  EXPECT_EQ(record["interrupted"], true);
  EXPECT_GT(record["clips"].size(), 0U);
  EXPECT_LT(record["clips"].size(), 100'000U);
  EXPECT_EQ(record["summary"]["land"]["clips"], record["clips"].size());
}

TEST_F(EvalCli, AFullDiskDoesNotLoseTheTable) {
  const ProgramResult result =
      EvalModel({"--clips", "2", "--json", folder_ / "a.json"}, {.file_limit = 1'500});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("a.json"));
  EXPECT_THAT(result.out, HasSubstr("of 2"));
}

TEST_F(EvalCli, WrongUseIsNamed) {
  const auto error = [&](int code, std::vector<std::string> flags) {
    const ProgramResult result = Eval(std::move(flags));
    EXPECT_EQ(result.exit_code, code) << result.err;
    return result.err;
  };
  const std::string model = ReferencePath("mini2.1");
  EXPECT_THAT(error(2, {"--truth", "--clips", "0"}), HasSubstr("leaves nothing to measure"));
  EXPECT_THAT(error(2, {"--truth", "--loss-clips", "1"}), HasSubstr("measures the denoiser"));
  EXPECT_THAT(error(2, {"--truth", "--vae-only"}), HasSubstr("excludes"));
  EXPECT_THAT(error(2, {"--truth", "--frames", "1"}), HasSubstr("flicker needs at least 3"));
  EXPECT_THAT(error(2, {"--truth", "--margin", "0"}), HasSubstr("--margin is for --compare"));
  EXPECT_THAT(error(1, {"--truth", "--json", "/no/such/folder/x.json"}),
              HasSubstr("/no/such/folder"));
  EXPECT_THAT(error(1, {"--vae-only", "--model", model, "--size", "60x48"}),
              HasSubstr("the nearest size above is 64x48"));
  EXPECT_THAT(error(2, {"--compare", "a1.json,a2.json", "b.json"}), HasSubstr("on both sides"));
  EXPECT_THAT(error(2, {"--compare", "a.json"}), HasSubstr("two files"));
  EXPECT_THAT(error(1, {"--compare", folder_ / "x.json", folder_ / "y.json"}),
              HasSubstr("No such file"));
  EXPECT_THAT(error(1, {"--model", "/no/such/model"}), HasSubstr("/no/such/model"));
}

}  // namespace
}  // namespace t3
