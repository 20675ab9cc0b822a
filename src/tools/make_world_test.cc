// Which files the world's clips replace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/check.h"
#include "t3video/world.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

TEST(MakeWorld, ReplacesItsOwnClipsOnly) {
  const fs::path folder = fs::path(testing::TempDir()) / fmt::format("t3_world_{}", ::getpid());
  WorldRequest request;
  request.width = request.height = 16;
  request.frames = 2;
  request.format = "y4m";
  request.device = "cpu";
  request.output = folder.string();
  MakeWorld(request);
  request.frames = 3;  // other settings: its own clip is replaced
  MakeWorld(request);
  // The list still names the clip.
  const fs::path clip = folder / "world_00000000.y4m";
  std::ofstream(clip) << "mine";
  request.frames = 4;
  try {
    MakeWorld(request);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(clip.string() + " exists"));
  }
  EXPECT_EQ(fs::file_size(clip), 4U);
  request.overwrite = true;
  MakeWorld(request);
  EXPECT_GT(fs::file_size(clip), 100U);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace t3
