// The log and its picture.
#include "training/loop/curves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <regex>

#include "weights/test_folder.h"

namespace t3 {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<LogEntry> MakeLog(int64_t steps) {
  std::vector<LogEntry> log;
  for (int64_t i = 1; i <= steps; ++i) {
    const auto x = static_cast<double>(i);
    log.push_back({i, 1 + 1 / x, 2 + std::sin(x), 1e-4, 30, 1000, 5});
  }
  return log;
}

TEST(Curves, StayWithinThePictureAndNearEightHundredPoints) {
  for (const int64_t steps : {1, 2, 799, 801, 5000}) {
    const std::string svg = DrawCurves(MakeLog(steps));
    EXPECT_THAT(svg, Not(HasSubstr("nan"))) << steps;
    EXPECT_THAT(svg, Not(HasSubstr("inf"))) << steps;
    int64_t points = 0, lines = 0;
    const std::regex line("points=\"([^\"]*)\""), pair("(-?[0-9.]+),(-?[0-9.]+)");
    for (std::sregex_iterator it(svg.begin(), svg.end(), line), end; it != end; ++it, ++lines) {
      const std::string list = (*it)[1];
      for (std::sregex_iterator p(list.begin(), list.end(), pair); p != end; ++p, ++points) {
        EXPECT_GE(std::stod((*p)[1]), 90);
        EXPECT_LE(std::stod((*p)[1]), 880);
        EXPECT_GE(std::stod((*p)[2]), 34);
        EXPECT_LE(std::stod((*p)[2]), 810);
      }
    }
    EXPECT_EQ(lines, 6);  // four curves, two running means
    EXPECT_GE(points, lines * std::min<int64_t>(steps, 400));
    EXPECT_LE(points, lines * 800);
  }
  EXPECT_THAT(DrawCurves({}), HasSubstr("</svg>"));
}

TEST(TrainLog, GoesOnFromACheckpointAndDropsWhatItDoesNotKnow) {
  const test::Folder folder;
  std::string output = folder.Path("run");
  std::filesystem::create_directory(output);
  {
    TrainLog log(output, 0);
    for (const LogEntry& entry : MakeLog(5)) log.Add(entry);
  }
  std::ofstream(output + "/log.jsonl", std::ios::app) << "{\"step\":6,\"lo";  // cut by a kill
  TrainLog log(output, 3);
  ASSERT_EQ(log.entries().size(), 3U);
  EXPECT_EQ(log.entries()[2].loss, MakeLog(3)[2].loss);
  log.Add(MakeLog(4)[3]);
  std::ifstream file(output + "/log.jsonl");
  int lines = 0;
  for (std::string line; std::getline(file, line);) ++lines;
  EXPECT_EQ(lines, 4);
}

}  // namespace
}  // namespace t3
