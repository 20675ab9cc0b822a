// The records of a job's videos.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/check.h"
#include "base/json.h"
#include "t3video/engine.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

TEST(JobRecord, SecondsAreThoseOfTheVideo) {
  const fs::path folder = fs::path(testing::TempDir()) / fmt::format("t3_record_{}", ::getpid());
  fs::create_directories(folder);
  std::vector<Request> requests(2);
  for (size_t i = 0; i < requests.size(); ++i) {
    Request& request = requests[i];
    request.prompt = "a";
    request.params.size = VideoSize{32, 32};
    request.params.frames = 1;
    request.params.steps = 1;
    request.params.guidance = 1;
    request.output.path = (folder / fmt::format("{}.safetensors", i)).string();
    request.record.path = (folder / fmt::format("{}.json", i)).string();
  }
  Engine engine({.model = std::string(T3_SOURCE_DIR) + "/tests/data/reference/mini2.1"},
                {.device = "cpu", .dtype = ComputeDtype::kFp32});
  constexpr double kSeconds = 1.5;
  bool slept = false;
  engine.GenerateAll(requests, [&](const ProgressEvent& event) {
    if (event.stage != "denoising" || slept) return;
    slept = true;
    std::this_thread::sleep_for(std::chrono::duration<double>(kSeconds));
  });
  const auto seconds = [&](size_t i) {
    return ReadJson(requests[i].record.path)["seconds"].get<double>();
  };
  EXPECT_GT(seconds(0), kSeconds);
  EXPECT_LT(seconds(1), kSeconds);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace t3
