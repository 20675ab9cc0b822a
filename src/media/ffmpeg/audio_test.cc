// Sound from source to result: its time, its codec, its length, and what bad sound costs.
#include <gmock/gmock.h>

#include "media/ffmpeg/testing/made_file.h"
#include "media/testing/frames.h"
#include "media/video_reader.h"
#include "media/video_writer.h"

namespace t3 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kFps = 20;
constexpr int64_t kClipWidth = 128, kClipHeight = 96;

struct Written {
  std::vector<std::string> announced, notes;
};

// A video of `count` frames with the sound of `source`.
Written Write(const std::string& path, const std::string& source, int count = 30,
              double start = 0) {
  VideoSettings settings;
  settings.width = kClipWidth, settings.height = kClipHeight, settings.fps = kFps,
  settings.threads = 1;
  settings.metadata = {{"comment", "{\"t3.seed\":\"7\"}"}};
  settings.audio_from = source, settings.audio_start = start;
  Written written;
  written.announced = CheckVideoTarget(path, settings);
  const auto writer = OpenVideoWriter(path, settings);
  for (int i = 0; i < count; ++i) writer->Write(WaveFrame(kClipWidth, kClipHeight, 0.1 * i).view());
  writer->Finish();
  written.notes = writer->notes();
  return written;
}

std::string Source(const TestFolder& folder, const std::string& name, const MadeSound& sound = {},
                   int64_t first_picture = 0) {
  MadeVideo video;
  video.milliseconds = EvenMilliseconds(40, kFps, first_picture);
  video.sounds = {sound};
  MakeFile(folder / name, video);
  return folder / name;
}

MadeSound Pcm() {
  MadeSound sound;
  sound.encoder = "pcm_s16le", sound.samples = AV_SAMPLE_FMT_S16;
  return sound;
}

TEST(Audio, IsCopiedWhereTheContainerTakesIt) {
  const TestFolder folder;
  const std::string source = Source(folder, "source.mp4");
  const HeardSound before = SoundOf(source);
  ASSERT_NEAR(before.onset, 0.5, 0.003);
  for (const char* name : {"v.mp4", "v.mov", "v.mkv"}) {
    const Written written = Write(folder / name, source, 30);
    EXPECT_THAT(written.notes, IsEmpty()) << name;
    const HeardSound after = SoundOf(folder / name);
    EXPECT_EQ(after.codec, AV_CODEC_ID_AAC) << name;
    EXPECT_NEAR(after.onset, before.onset, 0.0015) << name;
    EXPECT_NEAR(after.end, 1.5, 0.03) << name;  // not longer than the pictures
    for (const std::string& packet : after.packets) {
      EXPECT_THAT(before.packets, testing::Contains(packet)) << name;
    }
  }
}

TEST(Audio, IsEncodedAgainWhereItDoesNot) {
  const TestFolder folder;
  const auto has = [](const char* name) { return avcodec_find_encoder_by_name(name) != nullptr; };
  const std::string aac = Source(folder, "aac.mp4"), pcm = Source(folder, "pcm.mov", Pcm());
  struct Case {
    const char* name;
    std::string source;
    AVCodecID codec;
    const char* encoder;
  };
  for (const Case& c : {Case{"v.webm", aac, AV_CODEC_ID_OPUS, "libopus"},
                        {"v.mp4", pcm, AV_CODEC_ID_AAC, "aac"},
                        {"v.webm", pcm, AV_CODEC_ID_OPUS, "libopus"}}) {
    if (!has(c.encoder)) continue;
    SCOPED_TRACE(c.name + c.source);
    const Written written = Write(folder / c.name, c.source, 30);
    EXPECT_THAT(written.announced, ElementsAre(HasSubstr("encoded again")));
    EXPECT_EQ(written.notes, written.announced);
    const HeardSound sound = SoundOf(folder / c.name);
    EXPECT_EQ(sound.codec, c.codec);
    EXPECT_EQ(sound.channels, 2);
    EXPECT_NEAR(sound.onset, 0.5, 0.004);
    EXPECT_NEAR(sound.end, 1.5, 0.03);
  }
  Write(folder / "copied.mov", pcm);
  EXPECT_EQ(SoundOf(folder / "copied.mov").codec, AV_CODEC_ID_PCM_S16LE);
}

TEST(Audio, StaysInStepWithThePicture) {
  const TestFolder folder;
  MadeSound late;
  late.start = 0.3;
  MadeSound early = Pcm();
  const std::string late_source = Source(folder, "late.mp4", late);
  const std::string early_source = Source(folder, "early.mkv", early, /*first_picture=*/200);
  for (const char* name : {"v.mp4", "v.mkv", "v.webm"}) {
    SCOPED_TRACE(name);
    Write(folder / name, late_source);
    EXPECT_NEAR(SoundOf(folder / name).onset, 0.8, 0.004);
    Write(folder / name, early_source);
    EXPECT_NEAR(SoundOf(folder / name).onset, 0.3, 0.004);
    Write(folder / name, late_source, 10, /*start=*/0.6);
    EXPECT_NEAR(SoundOf(folder / name).onset, 0.2, 0.004);
    EXPECT_NEAR(SoundOf(folder / name).end, 0.5, 0.03);
  }
}

// Reading begins near the start, not at the beginning.
TEST(Audio, OfALatePartOfALongVideo) {
  const TestFolder folder;
  MadeVideo video;
  video.milliseconds = EvenMilliseconds(160, kFps);
  MadeSound sound;
  sound.seconds = 8, sound.onset = 6.3;
  video.sounds = {sound};
  for (const char* from : {"source.mp4", "source.mkv"}) {
    MakeFile(folder / from, video);
    for (const char* name : {"v.mp4", "v.webm"}) {
      Write(folder / name, folder / from, 30, /*start=*/6);
      EXPECT_NEAR(SoundOf(folder / name).onset, 0.3, 0.004) << from << name;
      EXPECT_NEAR(SoundOf(folder / name).end, 1.5, 0.03) << from << name;
    }
  }
}

TEST(Audio, OfAnyRateAndChannels) {
  const TestFolder folder;
  for (const auto& [rate, channels] :
       {std::pair{44'100, 1}, {22'050, 2}, {96'000, 2}, {48'000, 6}}) {
    SCOPED_TRACE(rate);
    MadeSound sound = Pcm();
    sound.rate = rate, sound.channels = channels;
    const std::string source = Source(folder, "source.mkv", sound);
    for (const char* name : {"v.mp4", "v.webm"}) {
      Write(folder / name, source);
      const HeardSound heard = SoundOf(folder / name);
      EXPECT_EQ(heard.channels, channels) << name;
      EXPECT_NEAR(heard.onset, 0.5, 0.004) << name;
    }
  }
}

TEST(Audio, OpusIsCopiedWithItsDelay) {
  if (avcodec_find_encoder_by_name("libopus") == nullptr) return;
  const TestFolder folder;
  MadeSound opus;
  opus.encoder = "libopus", opus.samples = AV_SAMPLE_FMT_S16;
  for (const char* from : {"source.mkv", "source.mp4"}) {
    const std::string source = Source(folder, from, opus);
    const double onset = SoundOf(source).onset;
    for (const char* name : {"v.webm", "v.mkv", "v.mp4"}) {
      EXPECT_THAT(Write(folder / name, source).notes, IsEmpty());
      EXPECT_EQ(SoundOf(folder / name).codec, AV_CODEC_ID_OPUS) << from << name;
      EXPECT_NEAR(SoundOf(folder / name).onset, onset, 0.002) << from << name;
    }
  }
}

TEST(Audio, TheDefaultTrackIsTaken) {
  const TestFolder folder;
  MadeVideo video;
  video.milliseconds = EvenMilliseconds(40, kFps);
  MadeSound commentary, film;
  commentary.is_default = false, commentary.onset = 0.2;
  film.onset = 0.7;
  video.sounds = {commentary, film};
  MakeFile(folder / "source.mkv", video);
  Write(folder / "v.mp4", folder / "source.mkv");
  EXPECT_NEAR(SoundOf(folder / "v.mp4").onset, 0.7, 0.004);
}

TEST(Audio, LeavesPicturesAndMetadataAsTheyAre) {
  const TestFolder folder;
  const std::string source = Source(folder, "source.mp4");
  for (const char* name : {"v.mp4", "v.mkv", "v.mov", "v.webm"}) {
    SCOPED_TRACE(name);
    Write(folder / name, source);
    const auto loud = VideoReader::Open(folder / name);
    Write(folder / (std::string("silent_") + name), "");
    const auto silent = VideoReader::Open(folder / (std::string("silent_") + name));
    EXPECT_TRUE(loud->info().has_audio);
    EXPECT_FALSE(silent->info().has_audio);
    const auto comment = [](const VideoInfo& info) {
      const auto found =
          info.metadata.find(info.metadata.contains("COMMENT") ? "COMMENT" : "comment");
      return found == info.metadata.end() ? "" : found->second;
    };
    EXPECT_EQ(comment(loud->info()), "{\"t3.seed\":\"7\"}");
    EXPECT_EQ(loud->info().metadata, silent->info().metadata);
    EXPECT_EQ(loud->info().fps, silent->info().fps);
    EXPECT_EQ(loud->FrameTimes(1), silent->FrameTimes(1));
    std::vector<float> a(3 * kClipWidth * kClipHeight), b(a.size());
    for (int i = 0; i < 30; ++i) {
      ASSERT_TRUE(loud->Read(a.data()) && silent->Read(b.data()));
      ASSERT_EQ(a, b) << i;
    }
    EXPECT_FALSE(loud->Read(a.data()) || silent->Read(b.data()));
  }
}

TEST(Audio, EqualRunsGiveEqualFiles) {
  const TestFolder folder;
  const std::string source = Source(folder, "source.mkv", Pcm());
  for (const char* name : {"v.mp4", "v.mkv", "v.webm"}) {
    Write(folder / name, source);
    const std::string first = FileBytes(folder / name);
    Write(folder / name, source);
    EXPECT_TRUE(FileBytes(folder / name) == first) << name;
  }
}

TEST(Audio, HasNoPlaceInPictures) {
  const TestFolder folder;
  const std::string source = Source(folder, "source.mp4");
  for (const char* name : {"v.gif", "v.y4m", "frames/"}) {
    EXPECT_THAT(Write(folder / name, source, 2).announced, ElementsAre(HasSubstr("no place")))
        << name;
  }
}

TEST(Audio, OfASilentSourceIsNothingToSay) {
  const TestFolder folder;
  MadeVideo video;
  video.milliseconds = EvenMilliseconds(10, kFps);
  MakeFile(folder / "source.mp4", video);
  for (const std::string& source :
       {folder / "source.mp4", MediaData("turned.jpg"), folder / "gone"}) {
    EXPECT_THAT(Write(folder / "v.mp4", source, 2).notes, IsEmpty());
    EXPECT_FALSE(VideoReader::Open(folder / "v.mp4")->info().has_audio);
  }
}

// Whatever the sound is, the pictures are written.
TEST(Audio, DamageCostsNoPicture) {
  const TestFolder folder;
  for (const MadeSound& sound : {MadeSound{}, Pcm()}) {
    const std::string source = Source(folder, "source.mov", sound);
    const std::string whole = FileBytes(source);
    for (size_t i = 100; i < whole.size(); i += whole.size() / 10) {
      std::string damaged = whole;
      for (size_t k = i; k < std::min(i + 40, whole.size()); ++k) damaged[k] ^= 0x5a;
      WriteBytes(folder / "damaged.mov", damaged);
      for (const char* name : {"v.mp4", "v.webm"}) {
        Write(folder / name, folder / "damaged.mov", 5);
        const auto reader = VideoReader::Open(folder / name);
        std::vector<float> rgb(3 * kClipWidth * kClipHeight);
        int frames = 0;
        while (reader->Read(rgb.data())) ++frames;
        EXPECT_EQ(frames, 5) << name << " " << i;
      }
    }
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 4);
}

}  // namespace
}  // namespace t3
