// The log and its picture.
#include "training/loop/curves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <fstream>
#include <regex>

#include "weights/testing/test_folder.h"

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
  EXPECT_THAT(DrawCurves(MakeLog(100)), Not(HasSubstr(">-0<")));
}

TEST(Curves, DrawAValidationLossWhereThereIsOne) {
  std::vector<LogEntry> log = MakeLog(20);
  EXPECT_THAT(DrawCurves(log), Not(HasSubstr("validation")));
  log[9].validation_loss = 1.5;
  log[19].validation_loss = 1.25;
  EXPECT_THAT(DrawCurves(log), HasSubstr("validation loss"));
}

std::string LogText(const std::string& output) {
  std::ifstream file(output + "/log.jsonl");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(TrainLog, ResumesFromACheckpointAndDropsLaterLines) {
  const test::Folder folder;
  const std::string output = folder.Path("run");
  std::filesystem::create_directory(output);
  std::vector<LogEntry> entries = MakeLog(5);
  entries[1].validation_loss = 0.5;
  {
    TrainLog log(output, 0);
    for (const LogEntry& entry : entries) log.Add(entry);
  }
  std::ofstream(output + "/log.jsonl", std::ios::app) << "{\"step\":6,\"lo";  // cut by a kill
  TrainLog log(output, 3);
  ASSERT_EQ(log.entries().size(), 3U);
  EXPECT_EQ(log.entries()[2].loss, entries[2].loss);
  EXPECT_EQ(log.entries()[1].validation_loss, 0.5);
  log.Add(entries[3]);
  const std::string text = LogText(output);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
}

// Truncating and writing it again would lose the log to a kill in between.
TEST(TrainLog, OpeningItWritesTheFileOnlyToDropLines) {
  const test::Folder folder;
  const std::string output = folder.Path("run");
  std::filesystem::create_directory(output);
  {
    TrainLog log(output, 0);
    for (const LogEntry& entry : MakeLog(3)) log.Add(entry);
  }
  const std::string before = LogText(output);
  const auto opened = [&](int64_t step) {
    struct stat old {
    }, now{};
    ::stat((output + "/log.jsonl").c_str(), &old);
    TrainLog log(output, step);
    ::stat((output + "/log.jsonl").c_str(), &now);
    return old.st_ino == now.st_ino;  // a rename gives another inode
  };
  EXPECT_TRUE(opened(3));
  EXPECT_EQ(LogText(output), before);
  EXPECT_FALSE(opened(2));
}

TEST(TrainLog, ALineThatCannotBeWrittenComesLater) {
  const test::Folder folder;
  const std::string output = folder.Path("run");
  std::filesystem::create_directory(output);
  TrainLog log(output, 0);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{10, old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  log.Add(MakeLog(1)[0]);
  ::setrlimit(RLIMIT_FSIZE, &old);
  log.Add(MakeLog(2)[1]);
  const std::string text = LogText(output);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_THAT(text, HasSubstr("{\"step\":1,"));
}

}  // namespace
}  // namespace t3
