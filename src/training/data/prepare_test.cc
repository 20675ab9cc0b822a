// From files to a dataset: good ones, every kind of bad one, interruption, other settings.
#include "t3video/prepare.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <future>

#include "base/output_lock.h"
#include "loading/load_models.h"
#include "media/png_file.h"
#include "media/testing/frames.h"
#include "media/video_writer.h"
#include "pipeline/enlarged_draft.h"
#include "pipeline/text_stage.h"
#include "training/data/clip_reader.h"
#include "training/data/prepared_dataset.h"

namespace t3 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ModelFiles MiniModel() {
  ModelFiles files;
  files.model = std::string(T3_SOURCE_DIR) + "/tests/data/reference/mini2.1";
  return files;
}

RunOptions OnCpu() {
  RunOptions options;
  options.device = "cpu";
  options.dtype = ComputeDtype::kFp32;
  return options;
}

class PrepareTest : public testing::Test {
 protected:
  PrepareTest() {
    std::filesystem::create_directory(folder_ / "clips");
    request_.source = folder_ / "clips";
    request_.output = folder_ / "data";
    request_.sizes = {{32, 16}, {16, 32}};
    request_.frames = {5};
    request_.fps = 10;
  }

  void AddVideo(const std::string& name, const std::string& caption, int64_t width, int64_t height,
                int frames, double phase) const {
    VideoSettings settings;
    settings.width = width;
    settings.height = height;
    settings.fps = 10;
    const auto writer = OpenVideoWriter(folder_ / ("clips/" + name + ".y4m"), settings);
    for (int i = 0; i < frames; ++i) {
      writer->Write(WaveFrame(width, height, phase + 0.1 * i).view());
    }
    writer->Finish();
    WriteBytes(folder_ / ("clips/" + name + ".txt"), caption);
  }
  void AddThreeVideos() const {
    AddVideo("a", "A boat", 32, 16, 11, 1);
    AddVideo("b", "A tree", 20, 40, 5, 2);
    AddVideo("c", "A boat", 48, 16, 5, 3);
  }
  PrepareResult Run(const ProgressFn& progress = {}, const CancelToken* cancel = nullptr) const {
    return Prepare(MiniModel(), OnCpu(), request_, progress, cancel);
  }

  TestFolder folder_;
  PrepareRequest request_;
};

TEST_F(PrepareTest, OnePreparationOfAFolderAtATime) {
  AddThreeVideos();
  std::filesystem::create_directories(request_.output);
  std::optional<OutputLock> other(request_.output);
  try {
    Run();
    FAIL() << "two at once";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("is being written"));
  }
  other.reset();
  EXPECT_GT(Run().clips, 0);
}

TEST_F(PrepareTest, WhatIsReadIsWhatTheNetworksGive) {
  AddThreeVideos();
  request_.clips_per_video = 2;
  const PrepareResult result = Run();
  EXPECT_EQ(result.clips, 4);
  EXPECT_EQ(result.encoded, 4);
  EXPECT_EQ(result.captions, 2);
  EXPECT_TRUE(result.rejected.empty());
  EXPECT_THAT(result.buckets, ElementsAre("16x32x5: 1 clip", "32x16x5: 3 clips"));

  const PreparedDataset data = PreparedDataset::Open(request_.output);
  ASSERT_EQ(data.size(), 4);
  EXPECT_THAT(data.Get(0).name, "a.y4m");
  EXPECT_THAT(data.Get(1).name, "a.y4m#1");
  const auto buckets = data.Buckets();
  ASSERT_EQ(buckets.size(), 2u);
  EXPECT_THAT(buckets[0].items, ElementsAre(2));
  EXPECT_THAT(buckets[1].items, ElementsAre(0, 1, 3));

  const ModelInfo model = OpenModel(MiniModel());
  const ProgressFn silent;
  const RunContext context{silent, nullptr, at::kCPU};
  const Vae vae = LoadVae(model, VaeHalf::kEncoder, at::kFloat, context);
  const c10::NoGradGuard no_grad;
  for (int64_t i = 0; i < data.size(); ++i) {
    const PreparedItem item = data.Get(i);
    const std::string file = data.index().clips[static_cast<size_t>(i)].file;
    const Source source{file, request_.source + "/" + file, item.caption, false};
    const auto clips = ClipsOf(source, data.index().settings);
    const auto number = static_cast<size_t>(data.index().clips[static_cast<size_t>(i)].number);
    ClipReader reader(source);
    reader.Start(clips.at(number));
    const at::Tensor whole = vae.Encode(reader.Next(clips[number].bucket.frames));
    EXPECT_LT((item.latents - whole).abs().max().item<double>(), 1e-5) << item.name;
  }
  std::vector<Result::Stage> stages;
  const auto texts = EncodeTexts(model, {"", "A boat"}, at::kFloat, context, stages);
  EXPECT_EQ(data.Get(0).text.ids, texts.at("A boat").ids);
  EXPECT_TRUE(data.Get(3).text.embeds.equal(texts.at("A boat").embeds));
  EXPECT_EQ(data.EmptyText().ids, texts.at("").ids);
  EXPECT_TRUE(data.EmptyText().embeds.equal(texts.at("").embeds));
  EXPECT_THROW(data.Get(4), Error);
}

// The file is read once for every slab of rows that the limit asks for.
TEST_F(PrepareTest, AMemoryLimitChangesRoundingAlone) {
  AddVideo("a", "A boat", 64, 64, 9, 1);
  request_.sizes = {{64, 64}};
  request_.frames = {9};
  request_.draft = {32, 32};
  Run();
  const VaeConfig vae = *OpenModel(MiniModel()).vae;
  const auto bytes = [&](int64_t slabs) {
    return MakeEncodePlan(vae, {3, 8, 8}, 4, slabs, 1).memory.total;
  };
  ASSERT_LT(bytes(4), bytes(3));  // so that four slabs are needed
  ASSERT_LT(bytes(4), MakeEncodePlan(vae, {3, 8, 8}, 4, 1).memory.total);
  PrepareRequest limited = request_;
  limited.output = folder_ / "limited";
  RunOptions options = OnCpu();
  options.memory_limit = bytes(4);
  Prepare(MiniModel(), options, limited);
  const PreparedDataset a = PreparedDataset::Open(request_.output);
  const PreparedDataset b = PreparedDataset::Open(limited.output);
  EXPECT_LT((a.Get(0).latents - b.Get(0).latents).abs().max().item<double>(), 1e-5);
  // Between their encodings drafts are rounded to 16 bits.
  EXPECT_LT((a.Draft(0) - b.Draft(0)).abs().max().item<double>(), 1e-3);

  limited.output = folder_ / "none";
  options.memory_limit = bytes(8) - 1;
  EXPECT_THAT(ErrorOf([&] { Prepare(MiniModel(), options, limited); }),
              HasSubstr("use a larger `memory-limit`; 0 clips are ready"));
}

// Two aspects, two clips of a video, and an image.
TEST_F(PrepareTest, ADraftIsTheClipAsARefinerGetsIt) {
  AddVideo("a", "A boat", 64, 32, 11, 1);
  AddVideo("b", "A tree", 32, 64, 5, 2);
  WritePng(folder_ / "clips/c.png", ToPng(WaveFrame(64, 32, 3).view(), 8, {}, 1));
  WriteBytes(folder_ / "clips/c.txt", "A stone");
  request_.sizes = {{64, 32}, {32, 64}};
  request_.clips_per_video = 2;
  request_.draft = {32, 16};
  const PrepareResult result = Run();
  EXPECT_THAT(result.buckets, ElementsAre("32x64x5: 1 clip with drafts of 16x32",
                                          "64x32x1: 1 clip with drafts of 32x16",
                                          "64x32x5: 2 clips with drafts of 32x16"));

  const PreparedDataset data = PreparedDataset::Open(request_.output);
  ASSERT_EQ(data.size(), 4);
  EXPECT_TRUE(data.has_drafts());
  const ModelInfo model = OpenModel(MiniModel());
  const ProgressFn silent;
  const RunContext context{silent, nullptr, at::kCPU};
  const Vae vae = LoadVae(model, VaeHalf::kEncoder, at::kFloat, context);
  const auto decoder = LoadDecoder(model, at::kFloat, context);
  const c10::NoGradGuard no_grad;
  for (int64_t i = 0; i < data.size(); ++i) {
    const StoredClip& stored = data.index().clips[static_cast<size_t>(i)];
    const VideoSize size{stored.bucket.width, stored.bucket.height};
    const VideoSize small{size.width / 2, size.height / 2};
    EXPECT_EQ(stored.draft.value().size, small);
    const Source source{stored.file, request_.source + "/" + stored.file, stored.caption,
                        stored.file == "c.png"};
    const auto clips = ClipsOf(source, data.index().settings);
    ClipReader reader(source);
    reader.Start(clips.at(static_cast<size_t>(stored.number)));
    DraftScaler shrink(size, small, at::kCPU);
    std::vector<at::Tensor> frames;
    for (int64_t f = 0; f < stored.bucket.frames; ++f)
      frames.push_back(shrink.Scale(reader.Next(1).select(1, 0)));
    FrameScaler enlarge(small.width, small.height, size.width, size.height, at::kCPU, false);
    const at::Tensor expected =
        vae.Encode(EnlargedDraft(vae, *decoder, at::stack(frames, 1), enlarge));
    // The enlarged draft is rounded to 16 bits.
    EXPECT_LT((data.Draft(i) - expected).abs().max().item<double>(), 1e-3) << stored.name;
    EXPECT_GT((data.Draft(i) - data.Get(i).latents).abs().max().item<double>(), 1e-2);
  }
}

TEST_F(PrepareTest, DraftsAreResumedAndNotMixed) {
  AddThreeVideos();
  request_.draft = {16, 16};
  request_.sizes = {{32, 16}};
  request_.max_upscale = 4;
  CancelToken cancel;
  EXPECT_THROW(Run(
                   [&](const ProgressEvent& event) {
                     if (event.stage == "encoding clips" && event.done == 1) cancel.Cancel();
                   },
                   &cancel),
               Error);
  const PrepareResult rest = Run();
  EXPECT_EQ(rest.clips, 3);
  EXPECT_EQ(rest.encoded, 2);
  const PreparedDataset data = PreparedDataset::Open(request_.output);
  for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(data.Draft(i).sizes(), data.Get(i).latents.sizes());

  PrepareRequest other = request_;
  other.draft.reset();
  const auto error_of = [&] { return ErrorOf([&] { Prepare(MiniModel(), OnCpu(), other); }); };
  EXPECT_THAT(error_of(), HasSubstr("its draft was 16x16, now none"));
  other.output = folder_ / "clips-alone";
  Prepare(MiniModel(), OnCpu(), other);
  EXPECT_FALSE(PreparedDataset::Open(other.output).has_drafts());
  EXPECT_THAT(ErrorOf([&] { PreparedDataset::Open(other.output).Draft(0); }),
              HasSubstr("has no drafts"));
  // Clips and captions do not depend on drafts.
  EXPECT_TRUE(PreparedDataset::Open(other.output).Get(1).latents.equal(data.Get(1).latents));
  other.draft = {16, 16};
  EXPECT_THAT(error_of(), HasSubstr("its draft was none, now 16x16"));
}

// The network that decodes videos decodes drafts too.
TEST_F(PrepareTest, DraftsOfTwoDecodersAreNotMixed) {
  AddVideo("a", "A boat", 64, 32, 5, 1);
  request_.sizes = {{64, 32}};
  request_.draft = {32, 16};
  Run();
  ModelFiles small = MiniModel();
  small.vae = std::string(T3_SOURCE_DIR) + "/tests/data/oracle/taehv_plain.pth";
  EXPECT_THAT(ErrorOf([&] { Prepare(small, OnCpu(), request_); }), HasSubstr("another decoder"));
  PrepareRequest other = request_;
  other.output = folder_ / "other";
  Prepare(small, OnCpu(), other);
  const PreparedDataset a = PreparedDataset::Open(request_.output);
  const PreparedDataset b = PreparedDataset::Open(other.output);
  EXPECT_TRUE(a.Get(0).latents.equal(b.Get(0).latents));
  EXPECT_FALSE(at::allclose(a.Draft(0), b.Draft(0), 1e-2, 1e-2));
  // Without drafts nothing is decoded.
  other.output = folder_ / "alone";
  other.draft.reset();
  Prepare(small, OnCpu(), other);
  EXPECT_EQ(Prepare(MiniModel(), OnCpu(), other).encoded, 0);
}

TEST_F(PrepareTest, ATensorIsComparedWithItsDigestOnce) {
  AddVideo("a", "A boat", 64, 32, 5, 1);
  request_.sizes = {{64, 32}};
  Run();
  const PreparedDataset data = PreparedDataset::Open(request_.output);
  const at::Tensor first = data.Get(0).latents;
  std::fstream file(request_.output + "/latents-00000.safetensors",
                    std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(-1, std::ios::end);
  const char last = static_cast<char>(file.get());
  file.seekp(-1, std::ios::end);
  file.put(static_cast<char>(last ^ 1));
  file.close();
  EXPECT_FALSE(data.Get(0).latents.equal(first)) << "the file is mapped";
  EXPECT_THAT(ErrorOf([&] { PreparedDataset::Open(request_.output).Get(0); }),
              HasSubstr("has changed since"));
}

TEST_F(PrepareTest, ADatasetIsReadByThreadsTogether) {
  for (int i = 0; i < 4; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    AddVideo(name, "Boat " + name, 64, 32, 5, i + 1);
  }
  request_.sizes = {{64, 32}};
  Run();
  const PreparedDataset alone = PreparedDataset::Open(request_.output);
  const PreparedDataset data = PreparedDataset::Open(request_.output);
  std::vector<std::future<bool>> readings;
  for (int64_t i = 0; i < 16; ++i) {
    readings.push_back(std::async(std::launch::async, [&, clip = i % 4] {
      return data.Get(clip).latents.equal(alone.Get(clip).latents);
    }));
  }
  for (std::future<bool>& reading : readings) EXPECT_TRUE(reading.get());
}

TEST_F(PrepareTest, ChangedTensorsAreNoticedAndMadeAgain) {
  AddVideo("a", "A boat", 64, 32, 5, 1);
  request_.sizes = {{64, 32}};
  request_.draft = {32, 16};
  Run();
  const std::string latents = request_.output + "/latents-00000.safetensors";
  const std::string texts = request_.output + "/text-00000.safetensors";
  const at::Tensor before = PreparedDataset::Open(request_.output).Get(0).latents;
  const auto read = [&] {
    const PreparedDataset data = PreparedDataset::Open(request_.output);
    data.EmptyText(), data.Get(0), data.Draft(0);
  };
  EXPECT_EQ(ErrorOf(read), "");
  for (const std::string& shard : {latents, texts}) {
    const std::string whole = FileBytes(shard);
    int64_t noticed = 0;
    for (const size_t back : {size_t{1}, whole.size() / 4, whole.size() / 2}) {
      std::string changed = whole;
      changed[whole.size() - back] ^= 1;
      WriteBytes(shard, changed);
      noticed += ErrorOf(read).find("has changed since") != std::string::npos ? 1 : 0;
    }
    EXPECT_EQ(noticed, 3) << shard;
    std::filesystem::remove(shard);
    Run();
    EXPECT_EQ(ErrorOf(read), "");
  }
  EXPECT_TRUE(PreparedDataset::Open(request_.output).Get(0).latents.equal(before));
  // An earlier version wrote no digests.
  auto index = nlohmann::json::parse(FileBytes(request_.output + "/dataset.json"));
  EXPECT_EQ(index["clips"][0].erase("digest"), 1U);
  WriteBytes(request_.output + "/dataset.json", index.dump());
  EXPECT_EQ(ErrorOf(read), "");
}

TEST_F(PrepareTest, BadFilesAreReportedAndTheRestGoesOn) {
  AddThreeVideos();
  AddVideo("short", "Too short", 32, 16, 4, 4);
  AddVideo("small", "Too small", 30, 16, 5, 5);
  AddVideo("cut", "Cut off", 32, 16, 5, 6);
  const std::string bytes = FileBytes(folder_ / "clips/cut.y4m");
  WriteBytes(folder_ / "clips/cut.y4m", bytes.substr(0, bytes.size() - 9));
  WriteBytes(folder_ / "clips/noise.mp4", std::string(5000, 'x'));
  WriteBytes(folder_ / "clips/noise.txt", "Noise");
  std::filesystem::copy(folder_ / "clips/a.y4m", folder_ / "clips/twin.y4m");
  WriteBytes(folder_ / "clips/twin.txt", "A twin");
  std::filesystem::copy(folder_ / "clips/a.y4m", folder_ / "clips/mute.y4m");
  const PrepareResult result = Run();
  EXPECT_EQ(result.clips, 3);
  std::map<std::string, std::string> reasons;
  for (const RejectedSource& source : result.rejected) reasons[source.file] = source.reason;
  EXPECT_EQ(reasons.size(), 6u);
  EXPECT_THAT(reasons["short.y4m"], HasSubstr("too short"));
  EXPECT_THAT(reasons["small.y4m"], HasSubstr("too small"));
  EXPECT_THAT(reasons["cut.y4m"], HasSubstr("cut short"));
  EXPECT_THAT(reasons["noise.mp4"], HasSubstr("cannot read"));
  EXPECT_THAT(reasons["twin.y4m"], HasSubstr("same contents as a.y4m"));
  EXPECT_THAT(reasons["mute.y4m"], HasSubstr("no caption"));
  EXPECT_THAT(FileBytes(folder_ / "data/rejected.json"), HasSubstr("same contents as a.y4m"));
}

// Its index is intact, its pictures are not: only decoding finds that.
TEST_F(PrepareTest, AVideoThatBreaksOnTheWayIsDropped) {
  AddThreeVideos();
  VideoSettings settings;
  settings.width = 48;
  settings.height = 32;
  settings.fps = 10;
  std::unique_ptr<VideoWriter> writer;
  try {
    writer = OpenVideoWriter(folder_ / "clips/b2.mp4", settings);
  } catch (const Error&) {
    GTEST_SKIP() << "this build has no FFmpeg";
  }
  for (int i = 0; i < 20; ++i) writer->Write(WaveFrame(48, 32, 0.3 * i).view());
  writer->Finish();
  std::string bytes = FileBytes(folder_ / "clips/b2.mp4");
  for (size_t i = bytes.size() / 2; i < bytes.size(); i += 3) bytes[i] = static_cast<char>(i);
  WriteBytes(folder_ / "clips/b2.mp4", bytes);
  WriteBytes(folder_ / "clips/b2.txt", "A ruin");
  request_.clips_per_video = 4;
  const PrepareResult result = Run();
  EXPECT_EQ(result.clips, 4);  // a has two
  ASSERT_EQ(result.rejected.size(), 1u);
  EXPECT_EQ(result.rejected[0].file, "b2.mp4");
  EXPECT_THAT(result.rejected[0].reason, HasSubstr("cannot read"));
  EXPECT_EQ(PreparedDataset::Open(request_.output).size(), 4);
}

TEST_F(PrepareTest, NothingUsableIsAnError) {
  EXPECT_THAT(ErrorOf([&] { Run(); }), HasSubstr("no video or image"));
  AddVideo("short", "Too short", 32, 16, 4, 4);
  EXPECT_THAT(ErrorOf([&] { Run(); }), HasSubstr("too short"));
}

// Cancels while the clip with this number is encoded.
PrepareResult RunUntil(
    const std::function<PrepareResult(const ProgressFn&, const CancelToken*)>& run, int64_t clip) {
  CancelToken cancel;
  return run(
      [&](const ProgressEvent& event) {
        if (event.stage == "encoding clips" && event.done == clip) cancel.Cancel();
      },
      &cancel);
}

TEST_F(PrepareTest, GoesOnAfterAnInterruption) {
  AddThreeVideos();
  request_.clips_per_video = 2;
  const auto run = [&](const ProgressFn& progress, const CancelToken* cancel) {
    return Run(progress, cancel);
  };
  try {
    RunUntil(run, 1);
    FAIL() << "not interrupted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
    EXPECT_THAT(error.what(), HasSubstr("1 clip is ready"));
  }
  EXPECT_THAT(ErrorOf([&] { PreparedDataset::Open(request_.output); }), HasSubstr("not complete"));
  const PrepareResult rest = Run();
  EXPECT_EQ(rest.clips, 4);
  EXPECT_EQ(rest.encoded, 3);  // the first of a.y4m's two was there
  EXPECT_EQ(Run().encoded, 0);

  // The same dataset as without the interruption.
  PrepareRequest whole = request_;
  whole.output = folder_ / "whole";
  Prepare(MiniModel(), OnCpu(), whole);
  const PreparedDataset a = PreparedDataset::Open(request_.output);
  const PreparedDataset b = PreparedDataset::Open(whole.output);
  ASSERT_EQ(a.size(), b.size());
  for (int64_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a.Get(i).name, b.Get(i).name);
    EXPECT_TRUE(a.Get(i).latents.equal(b.Get(i).latents));
    EXPECT_TRUE(a.Get(i).text.embeds.equal(b.Get(i).text.embeds));
  }
}

TEST_F(PrepareTest, FollowsItsSources) {
  AddThreeVideos();
  Run();
  AddVideo("d", "A car", 32, 16, 5, 4);              // new
  AddVideo("b", "A tree", 20, 40, 5, 7);             // other contents
  WriteBytes(folder_ / "clips/a.txt", "A ship");     // another caption
  std::filesystem::remove(folder_ / "clips/c.y4m");  // gone
  std::filesystem::remove(folder_ / "clips/c.txt");
  const PrepareResult result = Run();
  EXPECT_EQ(result.clips, 3);
  EXPECT_EQ(result.encoded, 2);
  EXPECT_EQ(result.removed, 2);
  const PreparedDataset data = PreparedDataset::Open(request_.output);
  EXPECT_EQ(data.Get(0).caption, "A ship");
  EXPECT_THAT(data.Get(2).name, "d.y4m");
}

// 65535x65535 pixels of one bit in half a megabyte: 13 GB as RGB.
TEST_F(PrepareTest, AFileThatNeedsTooMuchMemoryIsRejectedAlone) {
  AddThreeVideos();
  // Its length claims that the pixels can be there; memory is never allocated.
  const auto number = [](uint32_t value) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
    return text;
  };
  WriteBytes(folder_ / "clips/bomb.png",
             "\x89PNG\r\n\x1a\n" + number(13) + "IHDR" + number(65535) + number(65535) +
                 std::string("\x01\0\0\0\0", 5) + number(0x00000000) + number(600'000) + "IDAT" +
                 std::string(600'000, 'x') + number(0) + number(0) + "IEND" + number(0xae426082));
  WriteBytes(folder_ / "clips/bomb.txt", "Black");
  const PrepareResult result = Run();
  EXPECT_EQ(result.clips, 3);
  ASSERT_EQ(result.rejected.size(), 1u);
  EXPECT_EQ(result.rejected[0].file, "bomb.png");
}

TEST_F(PrepareTest, RefusesToMixDatasets) {
  AddThreeVideos();
  Run();
  const std::string before = FileBytes(folder_ / "data/dataset.json");
  PrepareRequest other = request_;
  other.fps = 5;
  EXPECT_THAT(ErrorOf([&] { Prepare(MiniModel(), OnCpu(), other); }), HasSubstr("fps was 10"));
  ModelFiles files = MiniModel();
  files.vae = folder_ / "other.pth";
  std::string weights = FileBytes(MiniModel().model + "/Wan2.1_VAE.pth");
  weights[weights.size() / 2] = static_cast<char>(weights[weights.size() / 2] ^ 1);
  WriteBytes(files.vae, weights);
  EXPECT_THAT(ErrorOf([&] { Prepare(files, OnCpu(), request_); }), HasSubstr("another VAE"));
  EXPECT_EQ(FileBytes(folder_ / "data/dataset.json"), before);
}

// The error of `run` when no file may be larger than `bytes`, as on a full disk.
std::string ErrorUnderFileLimit(rlim_t bytes, const std::function<void()>& run) {
  struct rlimit old_limit {};
  ::getrlimit(RLIMIT_FSIZE, &old_limit);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit limit = old_limit;
  limit.rlim_cur = bytes;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const std::string message = ErrorOf(run);
  ::setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);
  return message;
}

TEST_F(PrepareTest, AFullDiskKeepsWhatIsDone) {
  AddThreeVideos();
  // The limit is smaller than the shard of the latents, larger than all else.
  request_.sizes = {{48, 32}, {32, 48}};
  request_.max_upscale = 2;
  const std::string message = ErrorUnderFileLimit(8'000, [&] { Run(); });
  EXPECT_THAT(message, HasSubstr("latents-00000.safetensors"));
  EXPECT_THAT(message, HasSubstr("0 clips are ready"));
  EXPECT_EQ(Run().encoded, 3);
  EXPECT_EQ(PreparedDataset::Open(request_.output).size(), 3);
}

// That a draft's frames have no room is not the fault of its file, which would be rejected.
TEST_F(PrepareTest, AFullDiskForDraftsEndsThePreparation) {
  AddVideo("a", "A boat", 64, 64, 5, 1);
  request_.sizes = {{64, 64}};
  request_.draft = {48, 48};
  EXPECT_THAT(ErrorUnderFileLimit(8'000, [&] { Run(); }), HasSubstr("0 clips are ready"));
  const PrepareResult result = Run();
  EXPECT_EQ(result.encoded, 1);
  EXPECT_TRUE(result.rejected.empty());
}

TEST_F(PrepareTest, WrongRequestsAreUsageErrors) {
  AddThreeVideos();
  const auto kind_of = [&](const std::function<void(PrepareRequest&)>& change) {
    PrepareRequest request = request_;
    change(request);
    try {
      Prepare(MiniModel(), OnCpu(), request);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kUsage;
    }
    return false;
  };
  EXPECT_TRUE(kind_of([](auto& r) { r.sizes = {{50, 32}}; }));
  EXPECT_TRUE(kind_of([](auto& r) { r.frames = {6}; }));
  EXPECT_TRUE(kind_of([](auto& r) { r.fps = 0; }));
  EXPECT_TRUE(kind_of([](auto& r) { r.clips_per_video = 0; }));
  EXPECT_TRUE(kind_of([](auto& r) { r.max_upscale = 0.5; }));
  EXPECT_TRUE(kind_of([](auto& r) { r.draft = {24, 16}; }));
  EXPECT_TRUE(kind_of([](auto& r) { r.draft = {64, 32}; }));  // larger than the clips
}

}  // namespace
}  // namespace t3
