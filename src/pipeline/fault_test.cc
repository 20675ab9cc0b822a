// A fault in a step costs that step alone: what was done before is on disk.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <tuple>

#include "base/check.h"
#include "loading/tensor_file.h"
#include "pipeline/state/state_places.h"
#include "t3video/engine.h"
#include "t3video/run.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class Fault : public testing::Test {
 protected:
  Fault() { fs::create_directories(folder_); }
  ~Fault() override { fs::remove_all(folder_); }

  Request RequestTo(const std::string& name) const {
    Request request;
    request.prompt = "a";
    request.params.size = VideoSize{32, 32};
    request.params.frames = 5;
    request.params.steps = 4;
    request.params.guidance = 1;
    request.output.path = (folder_ / name).string();
    return request;
  }

  // A draft of three steps, and three that refine it.
  Request RefinedTo(const std::string& name) const {
    Request request = RequestTo(name);
    request.params.size = VideoSize{64, 64};
    request.params.draft = DraftChoice{VideoSize{32, 32}};
    request.params.draft_steps = 3;
    request.params.strength = 0.75;
    return request;
  }

  // The error of a run whose progress calls `act`.
  std::string ErrorOf(const Request& request, const ProgressFn& act,
                      const CancelToken* cancel = nullptr) {
    try {
      engine_.Generate(request, act, cancel);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "no error";
  }

  // The error of a run in which `what` is thrown after two steps.
  template <typename Exception>
  std::string ErrorAfterTwoSteps(const Request& request, const Exception& what) {
    return ErrorOf(request, [&](const ProgressEvent& event) {
      if (event.stage == "denoising" && event.done == 2) throw what;
    });
  }

  static std::string Bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static at::Tensor Latents(const Request& of) {
    return ReadTensor(*WeightFile::Open(of.output.path), "latents");
  }

  fs::path folder_ = fs::path(testing::TempDir()) / fmt::format("t3_fault_{}", ::getpid());
  Engine engine_{{.model = std::string(T3_SOURCE_DIR) + "/tests/data/reference/mini2.1"},
                 {.device = "cpu", .dtype = ComputeDtype::kFp32}};
};

TEST_F(Fault, TheLatestStepIsSaved) {
  const Request whole = RequestTo("whole.safetensors");
  engine_.Generate(whole);
  const Request request = RequestTo("x.safetensors");
  const std::string error = ErrorAfterTwoSteps(request, std::runtime_error("CUDA error: 719"));
  EXPECT_THAT(error, HasSubstr("CUDA error: 719; step 2 of 4 is saved in " + request.output.path));
  EXPECT_THAT(error, HasSubstr("`t3 resume " + request.output.path + "` continues from there"));
  EXPECT_EQ(FindSavedRun(request.output.path).step, 2);
  // To the same bits.
  EXPECT_EQ(engine_.Generate(request).resumed_from, 2);
  EXPECT_TRUE(Latents(request).equal(Latents(whole)));
}

TEST_F(Fault, StepsAfterADraftCountFromItsFirst) {
  const Request whole = RefinedTo("whole.safetensors");
  engine_.Generate(whole);
  const Request request = RefinedTo("x.safetensors");
  EXPECT_THAT(ErrorAfterTwoSteps(request, std::runtime_error("fault")),
              HasSubstr("fault; step 5 of 6 is saved in " + request.output.path));
  EXPECT_EQ(FindSavedRun(request.output.path).step, 5);
  EXPECT_EQ(engine_.Generate(request).resumed_from, 5);
  EXPECT_TRUE(Latents(request).equal(Latents(whole)));
}

// Between the draft's last step and the video's first, whatever fails.
TEST_F(Fault, EveryStageAfterADraftNamesTheDraftsState) {
  const Request whole = RefinedTo("whole.safetensors");
  engine_.Generate(whole);
  int number = 0;
  for (const std::string stage : {"decoding draft", "loading VAE", "encoding draft"}) {
    const Request request = RefinedTo(fmt::format("{}.safetensors", ++number));
    const std::string error = ErrorOf(request, [&](const ProgressEvent& event) {
      if (event.stage == stage) throw std::runtime_error("fault");
    });
    EXPECT_THAT(error, HasSubstr("fault; step 3 of 6 is saved in " + request.output.path)) << stage;
    EXPECT_THAT(error, HasSubstr("`t3 resume " + request.output.path + "` continues from there"));
    EXPECT_EQ(engine_.Generate(request).resumed_from, 3);
    EXPECT_TRUE(Latents(request).equal(Latents(whole))) << stage;
  }
}

TEST_F(Fault, AnInterruptionAfterADraftNamesItsStateOnce) {
  const Request request = RefinedTo("x.safetensors");
  CancelToken cancel;
  const auto stop = [&](const ProgressEvent& event) {
    if (event.stage == "decoding draft") cancel.Cancel();
  };
  EXPECT_THAT(ErrorOf(request, stop, &cancel),
              testing::StartsWith("interrupted; step 3 of 6 is saved in "));
}

// A run that was resumed has a state from its first moment on.
TEST_F(Fault, BeforeTheFirstStepOfAResumedRunItsStateIsNamed) {
  const Request request = RequestTo("x.safetensors");
  ErrorAfterTwoSteps(request, std::runtime_error("fault"));
  const auto fail = [](const ProgressEvent& event) {
    if (event.stage == "loading denoiser") throw std::runtime_error("fault");
  };
  EXPECT_THAT(ErrorOf(request, fail), HasSubstr("fault; step 2 of 4 is saved in "));
}

// The draft's own state is the latest then.
TEST_F(Fault, TheDraftIsSavedBeforeTheStepsThatFollow) {
  Request request = RequestTo("x.safetensors");
  request.params.size = VideoSize{64, 64};
  request.params.draft = DraftChoice{VideoSize{32, 32}};
  request.params.draft_steps = 3;
  const auto fail = [](const ProgressEvent& event) {
    if (event.stage == "denoising") throw std::runtime_error("fault");
  };
  EXPECT_THROW(engine_.Generate(request, fail), std::exception);
  EXPECT_EQ(FindSavedRun(request.output.path).step, 3);
}

// A folder under the name of a file, as a full disk: the file cannot be written.
class FaultWithoutRoom : public Fault {
 protected:
  FaultWithoutRoom() {
    fs::create_directories(folder_ / "out");
    fs::create_directories(folder_ / "current");
    fs::current_path(folder_ / "current");
  }
  ~FaultWithoutRoom() override { fs::current_path(before_); }

  // Of a run whose output's folder takes no states after two steps.
  std::string ErrorWithoutRoom(const Request& request, const std::string& stage, int64_t done) {
    return ErrorOf(request, [&](const ProgressEvent& event) {
      if (event.stage == "denoising" && event.done == 2) Fill(request);
      if (event.stage == stage && event.done == done) throw std::runtime_error("fault");
    });
  }
  static void Fill(const Request& request) {
    MakeRoom(request);  // the mark of the run's start
    fs::create_directories(LatentsBeside(request.output.path) + "/x");
    fs::create_directories(CheckpointBeside(request.output.path) + "/x");
  }
  static void MakeRoom(const Request& request) {
    fs::remove_all(LatentsBeside(request.output.path));
    fs::remove_all(CheckpointBeside(request.output.path));
  }
  std::string Current(const std::string& name) const {
    return (fs::current_path() / name).string();
  }

 private:
  fs::path before_ = fs::current_path();
};

TEST_F(FaultWithoutRoom, StatesElsewhereAreFoundAgain) {
  Request whole = RequestTo("out/whole.y4m");
  whole.output.save_latents = (folder_ / "whole.safetensors").string();
  engine_.Generate(whole);
  const std::string wanted = Bytes(whole.output.path);
  for (const auto& [stage, done, name, step] :
       {std::tuple("decoding", 0, "x.y4m.latents.safetensors", 4),
        std::tuple("denoising", 3, "x.y4m.checkpoint.safetensors", 3)}) {
    const Request request = RequestTo("out/x.y4m");
    const std::string error = ErrorWithoutRoom(request, stage, done);
    const std::string saved = Current(name);
    EXPECT_THAT(error, HasSubstr("`t3 resume " + saved + "` (with `--output FILE`"));
    // By the file's name, and by the output's once there is room.
    EXPECT_EQ(FindSavedRun(saved).output, request.output.path);
    MakeRoom(request);
    EXPECT_EQ(FindSavedRun(request.output.path).file, saved);
    EXPECT_EQ(engine_.Generate(request).resumed_from, step);
    EXPECT_EQ(Bytes(request.output.path), wanted) << stage;
    EXPECT_TRUE(fs::is_empty(fs::current_path())) << stage;
    fs::remove(request.output.path);
  }
}

TEST_F(FaultWithoutRoom, StatesElsewhereAreTheirOutputsAlone) {
  const Request a = RequestTo("x.y4m"), b = RequestTo("out/x.y4m");
  ErrorWithoutRoom(a, "decoding", 0);
  ErrorWithoutRoom(b, "decoding", 0);
  MakeRoom(a);
  MakeRoom(b);
  EXPECT_EQ(FindSavedRun(b.output.path).file, Current("x.y4m.latents-2.safetensors"));
  EXPECT_EQ(engine_.Generate(a).resumed_from, 4);
  EXPECT_EQ(engine_.Generate(b).resumed_from, 4);  // "-2", though the first is gone
  EXPECT_TRUE(fs::is_empty(fs::current_path()));
}

TEST_F(FaultWithoutRoom, ARunThatFailsAgainKeepsOneState) {
  const Request request = RequestTo("out/x.y4m");
  ErrorWithoutRoom(request, "decoding", 0);
  MakeRoom(request);
  const auto fail = [&](const ProgressEvent& event) {
    if (event.stage != "decoding") return;
    fs::remove(LatentsBeside(request.output.path));  // the second copy
    throw std::runtime_error("fault");
  };
  EXPECT_THAT(ErrorOf(request, fail), HasSubstr("fault"));
  EXPECT_EQ(std::distance(fs::directory_iterator(fs::current_path()), {}), 1);
  // Without room it is written again over the first.
  MakeRoom(request);
  const auto full = [&](const ProgressEvent& event) {
    Fill(request);
    if (event.stage == "decoding") throw std::runtime_error("fault");
  };
  EXPECT_THAT(ErrorOf(request, full), HasSubstr("fault"));
  EXPECT_EQ(std::distance(fs::directory_iterator(fs::current_path()), {}), 1);
}

// The latest step counts, wherever it is.
TEST_F(FaultWithoutRoom, AnEarlierStateBesideTheOutputIsPassedOver) {
  Request request = RequestTo("out/x.y4m");
  request.checkpoint.every = 1;
  const std::string beside = CheckpointBeside(request.output.path);
  const std::string kept = beside + ".kept";
  const std::string error = ErrorOf(request, [&](const ProgressEvent& event) {
    if (event.stage == "denoising" && event.done == 2) {
      fs::rename(beside, kept);
      fs::create_directories(beside + "/x");
    }
    if (event.stage == "denoising" && event.done == 3) throw std::runtime_error("fault");
  });
  fs::remove_all(beside);
  fs::rename(kept, beside);
  EXPECT_EQ(FindSavedRun(request.output.path).step, 3) << error;
  EXPECT_EQ(engine_.Generate(request).resumed_from, 3);
  EXPECT_TRUE(fs::is_empty(fs::current_path()));
}

TEST_F(FaultWithoutRoom, ARestartDiscardsStatesElsewhere) {
  Request request = RequestTo("out/x.y4m");
  ErrorWithoutRoom(request, "decoding", 0);
  MakeRoom(request);
  request.checkpoint.existing_state = ExistingState::kDiscard;
  EXPECT_EQ(engine_.Generate(request).resumed_from, 0);
  EXPECT_TRUE(fs::is_empty(fs::current_path()));
}

TEST_F(Fault, ATruncatedStateSaysHowTheRunIsMade) {
  const Request request = RequestTo("x.safetensors");
  ErrorAfterTwoSteps(request, std::runtime_error("fault"));
  const std::string state = FindSavedRun(request.output.path).file;
  fs::resize_file(state, fs::file_size(state) - 1);
  for (const auto& read : std::vector<std::function<void()>>{
           [&] { engine_.Generate(request); }, [&] { FindSavedRun(request.output.path); }}) {
    try {
      read();
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("cannot read " + state + ": "));
      EXPECT_THAT(error.what(), HasSubstr("it is truncated; the run cannot continue from it, and "
                                          "`restart` makes it from the start"));
    }
  }
  Request again = request;
  again.checkpoint.existing_state = ExistingState::kDiscard;
  EXPECT_EQ(engine_.Generate(again).resumed_from, 0);
}

TEST_F(Fault, MemoryThatRunsOutIsExplainedAsWell) {
  const std::string error = ErrorAfterTwoSteps(RequestTo("x.safetensors"), std::bad_alloc());
  EXPECT_THAT(error, HasSubstr("out of host memory; a smaller"));
  EXPECT_THAT(error, HasSubstr("step 2 of 4 is saved in"));
}

TEST_F(Fault, WithoutCheckpointsNothingIsSaved) {
  Request request = RequestTo("x.safetensors");
  request.checkpoint.every = 0;
  EXPECT_EQ(ErrorAfterTwoSteps(request, std::runtime_error("fault")), "fault");
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(Fault, BeforeTheFirstStepThereIsNothingToSave) {
  const auto fail = [](const ProgressEvent& event) {
    if (event.stage == "loading denoiser") throw std::runtime_error("fault");
  };
  EXPECT_THROW(engine_.Generate(RequestTo("x.safetensors"), fail), std::exception);
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace t3
