// Sets of clips: what is found, what fails without stopping the others, what is kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/temporary.h"
#include "media/video_writer.h"
#include "score/run/groups.h"
#include "score/testing/test_clip.h"
#include "t3video/error.h"
#include "t3video/score.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ScoreVideosTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }

  void WriteClip(const std::string& name, uint32_t seed, int64_t frames = 3, int noise = 0,
                 int64_t height = 72) const {
    fs::create_directories(fs::path(Path(name)).parent_path());
    const testing::TestClip clip{.width = 96, .height = height, .seed = seed, .noise = noise};
    VideoSettings settings;
    settings.width = clip.width, settings.height = clip.height, settings.fps = 16;
    settings.pixel_format = "yuv444p";
    if (name.ends_with('/')) settings.pixel_format = "rgb24";
    const auto writer = OpenVideoWriter(Path(name), settings);
    for (int64_t t = 0; t < frames; ++t) {
      const std::vector<float> rgb = clip.Frame(t);
      const int64_t pixels = clip.width * clip.height;
      writer->Write({clip.width,
                     clip.height,
                     {rgb.data(), rgb.data() + pixels, rgb.data() + 2 * pixels},
                     clip.width});
    }
    writer->Finish();
  }
  void WriteText(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
  }
  ScoreResult Score(ScoreRequest request) const { return ScoreVideos(request); }

  const Temporary folder_ = Temporary::Folder(fs::temp_directory_path(), "score");
};

std::vector<std::string> Names(const ScoreResult& result) {
  std::vector<std::string> names;
  for (const ClipScores& clip : result.clips) names.push_back(clip.name);
  return names;
}

TEST_F(ScoreVideosTest, AFolderIsASet) {
  WriteClip("a.y4m", 1), WriteClip("b.y4m", 2), WriteClip("frames/", 3);
  WriteClip("small/s.y4m", 3, 3, 0, 40), WriteClip("small/t.y4m", 3, 3, 0, 80);
  const ScoreResult small = Score({.inputs = {Path("small")}, .metrics = {"grid"}});
  EXPECT_EQ(small.clips[0].gaps.at(0).group, "grid");
  EXPECT_TRUE(small.clips[1].gaps.empty());
  const ScoreResult result = Score({.inputs = {folder_.path()}});
  EXPECT_TRUE(result.complete());
  EXPECT_THAT(Names(result), ElementsAre("a", "b", "frames"));  // not in subfolders
  EXPECT_EQ(result.clips[0].width, 96);
  EXPECT_EQ(result.clips[2].frames, 3);
  EXPECT_GT(result.clips[0].values.at("si"), 0);
  EXPECT_FALSE(result.clips[0].thumbnail.empty());
  // NIQE is not defined for 96 pixels; that is not a failure.
  EXPECT_FALSE(result.clips[0].values.contains("niqe"));
  EXPECT_THAT(result.notes, ::testing::Contains(HasSubstr("niqe is left out: niqe needs")));
  const MetricSummary& blur = *std::ranges::find_if(
      result.metrics, [](const MetricSummary& m) { return m.metric.name == "blur"; });
  EXPECT_EQ(blur.mean.count, 3);
  EXPECT_EQ(blur.ascending.size(), 3U);
  EXPECT_LE(result.clips[blur.ascending[0]].values.at("blur"),
            result.clips[blur.ascending[2]].values.at("blur"));
}

TEST_F(ScoreVideosTest, WhatFailsIsNamedAndTheOthersGoOn) {
  WriteClip("a.y4m", 1), WriteClip("c.y4m", 2);
  WriteText("b.mp4", "not a video");
  fs::resize_file(Path("c.y4m"), fs::file_size(Path("c.y4m")) - 5000);
  const ScoreResult result =
      Score({.inputs = {folder_.path(), Path("none.mp4")}, .metrics = {"blur"}});
  EXPECT_FALSE(result.complete());
  ASSERT_THAT(Names(result), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(result.clips[0].failures.empty());
  EXPECT_THAT(result.clips[1].failures.at(0).reason, HasSubstr("b.mp4"));
  EXPECT_THAT(result.clips[2].failures.at(0).reason, HasSubstr("c.y4m"));
  EXPECT_TRUE(result.clips[2].values.empty());
  EXPECT_THAT(result.failures.at(0).reason, HasSubstr("none.mp4"));
}

TEST_F(ScoreVideosTest, PromptsComeFromRecordsJobsAndFiles) {
  WriteClip("001-x.y4m", 1), WriteClip("002-y.y4m", 2), WriteClip("z.y4m", 2);
  WriteText("001-x.y4m.json", R"({"settings": {"prompt": "one"}})");
  WriteText("job.json",
            R"({"settings": {}, "prompts": [{"number": 2, "prompt": "two",
               "outputs": {"0": "002-y.y4m"}}, {"prompt": "gone", "outputs": {"0": "009.y4m"}}]})");
  const ScoreRequest request{.inputs = {folder_.path()}, .metrics = {"world", "blur"}};
  const ScoreResult recorded = Score(request);
  EXPECT_EQ(recorded.clips[0].prompt, "one");
  EXPECT_EQ(recorded.clips[1].prompt, "two");
  EXPECT_THAT(recorded.clips[2].failures.at(0).reason, HasSubstr("no record with a prompt"));
  EXPECT_TRUE(recorded.clips[2].values.contains("blur"));
  EXPECT_THAT(recorded.failures.at(0).reason, HasSubstr("009.y4m: job.json names it"));

  WriteText("p.json",
            R"([{"prompt_en": "first"}, {"prompt_en": "zed", "data_file": "vids/z.mp4"}])");
  ScoreRequest listed = request;
  listed.prompts = Path("p.json");
  const ScoreResult result = Score(listed);
  EXPECT_EQ(result.clips[0].prompt, "first");
  EXPECT_EQ(result.clips[2].prompt, "zed");
  WriteText("short.json", R"([{"prompt_en": "first"}])");
  listed.prompts = Path("short.json");
  EXPECT_THAT(Score(listed).clips[1].failures.at(0).reason, HasSubstr("no entry of"));
}

TEST_F(ScoreVideosTest, ReferencesPairByName) {
  WriteClip("set/a.y4m", 1, 3, 8), WriteClip("set/b.y4m", 2), WriteClip("set/c.y4m", 3);
  WriteClip("ref/a.y4m", 1), WriteClip("ref/b.y4m", 2, 4);
  const ScoreResult result = Score(
      {.inputs = {Path("set")}, .reference = Path("ref"), .metrics = {"psnr", "ssim", "blur"}});
  const ClipScores& a = result.clips[0];
  EXPECT_GT(a.values.at("psnr_y"), 25);
  EXPECT_LT(a.values.at("ssim"), 1);
  EXPECT_THAT(result.clips[1].failures.at(0).reason, HasSubstr("96x72 and 4 frames"));
  EXPECT_THAT(result.clips[2].failures.at(0).reason, HasSubstr("has no clip named c"));
  EXPECT_TRUE(result.clips[2].values.contains("blur"));
}

TEST_F(ScoreVideosTest, FinishedClipsAreKept) {
  WriteClip("a.y4m", 1), WriteClip("b.y4m", 2);
  ScoreRequest request{
      .inputs = {Path("a.y4m")}, .metrics = {"blur", "niqe"}, .state = Path("state")};
  const ScoreResult first = Score(request);
  EXPECT_FALSE(first.clips[0].reused);
  // The end of a run that was killed while it wrote.
  std::ofstream(Path("state"), std::ios::app) << "\n{\"group\": \"x";
  request.inputs = {Path("a.y4m"), Path("b.y4m")};
  const ScoreResult second = Score(request);
  EXPECT_TRUE(second.clips[0].reused);
  EXPECT_FALSE(second.clips[1].reused);
  EXPECT_EQ(second.clips[0].values, first.clips[0].values);
  EXPECT_EQ(second.clips[0].thumbnail, first.clips[0].thumbnail);
  EXPECT_EQ(second.clips[0].gaps.size(), 0U);  // of all clips: a note
  EXPECT_EQ(second.notes, first.notes);
  EXPECT_TRUE(Score(request).clips[1].reused);
  WriteClip("b.y4m", 3);  // another clip of that name
  request.metrics = {"blur", "color"};
  const ScoreResult third = Score(request);
  EXPECT_FALSE(third.clips[0].reused);  // colour is new
  EXPECT_NE(third.clips[1].values.at("blur"), second.clips[1].values.at("blur"));
  WriteText("other", "{}\n");
  request.state = Path("other");
  EXPECT_THROW(Score(request), Error);
}

TEST_F(ScoreVideosTest, AnInterruptionKeepsFinishedClips) {
  WriteClip("a.y4m", 1), WriteClip("b.y4m", 2);
  CancelToken cancel;
  const ProgressFn stop = [&](const ProgressEvent& event) {
    if (event.done == 3) cancel.Cancel();  // at the second clip's first frame
  };
  const ScoreRequest request{.inputs = {folder_.path()}, .metrics = {"blur"}};
  const ScoreResult result = ScoreVideos(request, stop, &cancel);
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(result.clips.size(), 1U);
  EXPECT_THROW(ScoreVideos(request, {}, &cancel), Error);
}

TEST_F(ScoreVideosTest, WeightsOfAnotherNetworkAreNamed) {
  WriteClip("a.y4m", 1);
  WriteText("x.txt", "svm_type c_svc\nSV\n");
  ScoreRequest request{.inputs = {Path("a.y4m")}, .weights = {{"brisque", Path("x.txt")}}};
  const ScoreResult result = Score(request);
  EXPECT_EQ(result.failures.at(0).group, "brisque");
  EXPECT_THAT(result.failures.at(0).reason, HasSubstr("is not a BRISQUE model"));
  EXPECT_TRUE(result.clips[0].values.contains("blur"));
}

std::string UsageOf(const ScoreRequest& request) {
  try {
    ScoreVideos(request);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "";
}

TEST_F(ScoreVideosTest, WrongRequestsAreNamed) {
  WriteClip("a.y4m", 1), WriteClip("b.y4m", 2);
  const std::vector<std::string> inputs{folder_.path()};
  EXPECT_THAT(UsageOf({}), HasSubstr("no video"));
  EXPECT_THAT(UsageOf({.inputs = inputs, .metrics = {"nique"}}), HasSubstr("did you mean niqe?"));
  EXPECT_THAT(UsageOf({.inputs = inputs, .metrics = {"psnr"}}), HasSubstr("`reference` DIR"));
  EXPECT_THAT(UsageOf({.inputs = inputs, .metrics = {"brisque"}}), HasSubstr("brisque=FILE"));
  EXPECT_THAT(UsageOf({.inputs = inputs, .weights = {{"niqe", "f"}}}), HasSubstr("a NAME of"));
  EXPECT_THAT(UsageOf({.inputs = inputs, .reference = Path("a.y4m")}), HasSubstr("is one clip"));
}

TEST(CompareScores, PairsByNameAndListsTheRest) {
  const StoredScores a{"A", {{"x", {{"blur", 0.5}, {"si", 1}}}, {"y", {{"blur", 0.7}}}, {"p", {}}}};
  const StoredScores b{"B", {{"x", {{"blur", 0.4}}}, {"y", {{"blur", 0.4}}}, {"q", {}}}};
  const ScoreComparison result = CompareScores(a, b);
  ASSERT_EQ(result.comparison.measures.size(), 1U);
  EXPECT_NEAR(result.comparison.measures[0].gain.mean, 0.2, 1e-12);  // less blur is better
  EXPECT_THAT(result.only_a, ElementsAre("p"));
  EXPECT_THAT(result.only_b, ElementsAre("q"));
  EXPECT_THROW(CompareScores(a, {"C", {{"z", {{"blur", 1}}}}}), Error);
}

// Names are unique across all groups; each has a source.
TEST(ScoreMetrics, AreUnique) {
  std::set<std::string_view> names;
  for (const ScoreMetric& metric : ScoreMetrics())
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
  EXPECT_GT(names.size(), 20U);
}

}  // namespace
}  // namespace t3
