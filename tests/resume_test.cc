// Runs that are killed, interrupted or fail at the end go on to the same bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "program.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using Arguments = std::vector<std::string>;

// A run of the small model with one branch in fp32, so that a step takes some milliseconds.
Arguments ShortRun(const std::string& output, const Arguments& more = {}) {
  Arguments arguments{"generate", "--model",  ReferencePath("mini2.1"),
                      "--prompt", "A cat",    "--size",
                      "32x32",    "--frames", "5",
                      "--steps",  "12",       "--guidance",
                      "1",        "--device", "cpu",
                      "--dtype",  "fp32",     "--output",
                      output};
  arguments = With(arguments, more);
  return arguments;
}

double SecondsOf(const Arguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(RunT3(arguments).exit_code, 0);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

bool HasState(const std::string& output) {
  return fs::exists(output + ".checkpoint.safetensors") ||
         fs::exists(output + ".latents.safetensors");
}

// Kills `run` at `wanted` random moments, resuming it or running it again each time, and compares
// latents and video with those of a run that was left alone.
void KillAndResume(const Arguments& more, int wanted) {
  const auto command = [&](const TemporaryFolder& folder, Arguments arguments) {
    arguments = With(arguments, more);
    arguments = With(arguments, {"--save-latents", folder / "latents.safetensors"});
    return ShortRun(folder / "x.y4m", arguments);
  };
  const TemporaryFolder whole;
  const double seconds = SecondsOf(command(whole, {}));
  const std::string latents = ReadBytes(whole / "latents.safetensors");
  const std::string video = ReadBytes(whole / "x.y4m");
  ASSERT_FALSE(latents.empty());
  ASSERT_FALSE(video.empty());

  std::mt19937 random(20261124);
  std::uniform_real_distribution<double> moment(0.01, seconds);
  int kills = 0;
  int resumed = 0;
  // On a loaded machine many kills come before there is a state: then it takes more of them.
  const auto enough = [&] {
    return (kills >= wanted && resumed > wanted / 4) || kills >= 4 * wanted;
  };
  while (!enough()) {
    const TemporaryFolder folder;
    const std::string output = folder / "x.y4m";
    for (bool finished = false; !finished;) {
      const bool resume = HasState(output);
      // Killed after the state was removed: nothing was left to do but to release the lock, whose
      // file the next run of this output would take over.
      if (!resume && fs::exists(output)) {
        fs::remove(folder / ".x.y4m.lock");
        break;
      }
      const ProgramResult result =
          RunT3(resume ? Arguments{"resume", output} : command(folder, {"--checkpoint-every", "1"}),
                {.seconds_to_kill = enough() ? 0 : moment(random)});
      ASSERT_THAT(result.exit_code, AnyOf(0, 128 + SIGKILL)) << result.err;
      finished = result.exit_code == 0;
      kills += finished ? 0 : 1;
      resumed += resume ? 1 : 0;
    }
    ASSERT_EQ(ReadBytes(folder / "latents.safetensors"), latents) << "after " << kills << " kills";
    ASSERT_EQ(ReadBytes(output), video) << "after " << kills << " kills";
    EXPECT_THAT(NamesIn(folder.path()), ElementsAre("latents.safetensors", "x.y4m"));
  }
  EXPECT_GT(resumed, wanted / 4) << "most kills came before there was a state: too weak a test";
}

TEST(Resume, FiftyKillsAtRandomMomentsChangeNothing) { KillAndResume({}, 50); }

TEST(Resume, KillsChangeNothingInImageToVideo) {
  KillAndResume({"--model", ReferencePath("mini2.2"), "--image", ReferencePath("i2v.png"),
                 "--sampler", "euler", "--guidance", "5", "--steps", "60", "--size", "128x128"},
                10);
}

TEST(Resume, KillsChangeNothingWhereStepsAddNoise) {
  KillAndResume({"--sampler", "renoise", "--steps", "60"}, 6);
}

TEST(Resume, InterruptedRunSaysHowToGoOn) {
  const TemporaryFolder folder;
  const std::string output = folder / "x.safetensors";
  const Arguments run =
      ShortRun(output, {"--steps", "1000", "--size", "256x256", "--frames", "17"});
  const ProgramResult first = RunT3(run, {.seconds_to_interrupt = 5});
  ASSERT_EQ(first.exit_code, 130) << first.err;
  EXPECT_THAT(first.err, HasSubstr("`t3 resume " + output + "`"));
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("x.safetensors.checkpoint.safetensors"));
}

TEST(Resume, SaysWhatIsNotAsItWas) {
  const TemporaryFolder folder;
  const std::string model = folder / "model";
  fs::copy(ReferencePath("mini2.1"), model, fs::copy_options::recursive);
  const std::string output = folder / "x.y4m";
  Arguments run = ShortRun(output, {"--size", "64x64"});
  run[2] = model;
  // Enough for the latents (13 kB), too little for the frames (31 kB).
  const ProgramResult failed = RunT3(run, {.file_limit = 20'000});
  ASSERT_EQ(failed.exit_code, 1) << failed.err;
  EXPECT_THAT(failed.err, HasSubstr("t3 resume " + output));

  run = With(run, {"--seed", "9"});
  const ProgramResult other = RunT3(run);
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.err, HasSubstr("seed (0, now 9)"));

  const std::string dit = model + "/diffusion_pytorch_model.safetensors";
  fs::copy_file(ReferencePath("mini2.1/diffusion_pytorch_model.safetensors"), dit,
                fs::copy_options::overwrite_existing);
  std::string bytes = ReadBytes(dit);
  bytes[bytes.size() - 1] = static_cast<char>(bytes.back() ^ 1);  // the last bit of a weight's sign
  std::ofstream(dit, std::ios::binary) << bytes;
  const ProgramResult changed = RunT3({"resume", output});
  EXPECT_EQ(changed.exit_code, 1);
  EXPECT_THAT(changed.err, HasSubstr("dit ("));
  EXPECT_THAT(changed.err, Not(HasSubstr("seed (")));

  const ProgramResult forced =
      RunT3({"resume", output, "--force"}, {.environment = {"OMP_NUM_THREADS=2"}});
  EXPECT_EQ(forced.exit_code, 0) << forced.err;
  EXPECT_THAT(forced.err, HasSubstr("resuming after step 12 of 12"));
  EXPECT_THAT(forced.err, HasSubstr("changed: dit"));
  EXPECT_THAT(forced.err, HasSubstr("number of threads was 1 and is now 2"));
  EXPECT_TRUE(fs::exists(output));
  EXPECT_FALSE(HasState(output));
}

TEST(Resume, NothingToResume) {
  const TemporaryFolder folder;
  const ProgramResult result = RunT3({"resume", folder / "x.mp4"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("nothing to resume"));
}

TEST(Resume, FailingEncoderKeepsTheLatents) {
  const TemporaryFolder folder;
  const std::string output = folder / "x.mkv";
  // Lossless noise is larger than the limit, the latents are not.
  const ProgramResult failed =
      RunT3(ShortRun(output, {"--codec", "ffv1", "--size", "64x64"}), {.file_limit = 20'000});
  ASSERT_EQ(failed.exit_code, 1) << failed.err;
  EXPECT_THAT(failed.err, HasSubstr("t3 resume"));
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("x.mkv.latents.safetensors"));
  const ProgramResult result = RunT3({"resume", output});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("x.mkv"));
}

TEST(Resume, LatentsSurviveAVanishedFolder) {
  const TemporaryFolder folder;
  const TemporaryFolder scratch;
  fs::create_directory(folder / "out");
  const std::string output = folder / "out/x.y4m";
  // The folder goes while the steps run, which take minutes if they are not stopped.
  std::thread removal([&] {
    for (int i = 0; i < 600 && !fs::exists(output + ".checkpoint.safetensors"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    fs::remove_all(folder / "out");
  });
  const ProgramResult failed =
      RunT3(ShortRun(output, {"--steps", "40"}),
            {.environment = {"TMPDIR=" + scratch.path()}, .folder = scratch.path()});
  removal.join();
  ASSERT_EQ(failed.exit_code, 1) << failed.err;
  EXPECT_THAT(failed.err, HasSubstr("x.y4m.latents.safetensors"));
  EXPECT_THAT(failed.err, HasSubstr("--output FILE"));
  const std::string saved = scratch / "x.y4m.latents.safetensors";
  ASSERT_TRUE(fs::exists(saved));
  const ProgramResult result = RunT3({"resume", saved, "--output", folder / "again.y4m"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(fs::exists(folder / "again.y4m"));
  EXPECT_FALSE(fs::exists(saved));
}

TEST(Resume, LatentsCanBeRefused) {
  const TemporaryFolder folder;
  const ProgramResult failed =
      RunT3(ShortRun(folder / "x.y4m",
                     {"--no-save-latents", "--checkpoint-every", "0", "--size", "64x64"}),
            {.file_limit = 20'000});
  ASSERT_EQ(failed.exit_code, 1) << failed.err;
  EXPECT_THAT(failed.err, HasSubstr("the latents were not kept"));
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre());
}

}  // namespace
}  // namespace t3
