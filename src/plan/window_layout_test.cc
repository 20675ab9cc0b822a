// Window lengths against the numbers that docs/model.md gives for 4K.
#include "plan/window_layout.h"

#include <gtest/gtest.h>

#include "plan/windows.h"
#include "t3video/error.h"

namespace t3 {
namespace {

TEST(WindowLayouts, MatchThePublishedTable) {
  const Grid grid{21, 136, 240};
  const auto layouts =
      WindowLayouts(PlanWindows(grid, PublishedWindows(ModelFamily::kWan21)), grid, 30);
  ASSERT_EQ(layouts.size(), 5u);
  const int64_t tokens[] = {32640, 1344, 2142, 1680, 2040};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(layouts[i].smallest_tokens, tokens[i]);
    EXPECT_EQ(layouts[i].largest_tokens, tokens[i]);
    EXPECT_EQ(layouts[i].mean_tokens, static_cast<double>(tokens[i]));
    EXPECT_EQ(layouts[i].layers, 6);
    EXPECT_EQ(layouts[i].coincide, i == 0);
  }
}

TEST(WindowLayouts, UnevenWindowsHaveARange) {
  const Grid grid{21, 30, 52};
  const WindowLayout layout = WindowLayouts({{2, 4, 5}}, grid, 30).at(0);
  EXPECT_EQ(layout.smallest_tokens, 10 * 7 * 10);
  EXPECT_EQ(layout.largest_tokens, 11 * 8 * 11);
  EXPECT_EQ(layout.mean_tokens, 21.0 * 30 * 52 / 40);
  EXPECT_THROW(WindowLayouts({{22, 1, 1}}, grid, 30), Error);
}

TEST(WindowLayouts, FullAttentionIsOneWindow) {
  const auto layouts = WindowLayouts({{1, 1, 1}}, {21, 30, 52}, 30);
  ASSERT_EQ(layouts.size(), 1u);
  EXPECT_EQ(layouts[0].largest_tokens, 32760);
  EXPECT_EQ(layouts[0].layers, 30);
}

}  // namespace
}  // namespace t3
