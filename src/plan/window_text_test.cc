// Window tables as text: what is read, what is refused, and what the message says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/windows.h"
#include "t3video/error.h"

namespace t3 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The message and kind of what `action` throws.
template <typename Action>
std::pair<std::string, ErrorKind> Thrown(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return {error.what(), error.kind()};
  }
  return {"nothing was thrown", ErrorKind::kFailed};
}

TEST(WindowText, ReadsWhatItWrites) {
  const WindowCycle cycle{{21, 1, 1}, {1, 17, 30}, {7, 8, 6}};
  EXPECT_EQ(FormatWindows(cycle), "21,1,1;1,17,30;7,8,6");
  EXPECT_EQ(ParseWindows(FormatWindows(cycle)), cycle);
  EXPECT_THAT(ParseWindows(" 1, 2 ,3 ; 4,5,6"),
              ElementsAre(WindowCounts{1, 2, 3}, WindowCounts{4, 5, 6}));
}

TEST(WindowText, RefusesEverythingElseAsWrongUsage) {
  for (const char* text : {"", ";", "1,2", "1,2,3;", "1,2,3,4", "0,1,1", "-1,1,1", "+1,1,1",
                           "1,2,x", "1,2,3x", "1 2,3,4", "1,2,99999999999999999999", "1.5,1,1"}) {
    const auto [message, kind] = Thrown([&] { ParseWindows(text); });
    EXPECT_EQ(kind, ErrorKind::kUsage) << text;
    EXPECT_THAT(message, HasSubstr("is not three positive counts")) << text;
  }
  EXPECT_THAT(Thrown([] { ParseWindows("1,1,1;9,bad,1"); }).first, HasSubstr("'9,bad,1'"));
}

TEST(WindowText, ChecksCountsAgainstTheGrid) {
  const Grid grid{3, 4, 8};
  EXPECT_NO_THROW(CheckWindows({{3, 4, 8}, {1, 1, 1}}, grid));
  const auto [message, kind] = Thrown([&] { CheckWindows({{1, 1, 1}, {3, 5, 8}}, grid); });
  EXPECT_EQ(kind, ErrorKind::kUsage);
  EXPECT_EQ(message,
            "windows: entry 1 has 5 windows along height, where this video has 4 tokens; give a "
            "count from 1 to 4");
  EXPECT_THROW(CheckWindows({}, grid), Error);
  EXPECT_THROW(CheckWindows({{1, 1, 1}}, {1, 0, 1}), Error);
}

}  // namespace
}  // namespace t3
