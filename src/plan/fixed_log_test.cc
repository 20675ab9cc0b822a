// The integer logarithm against the library's.
#include "plan/fixed_log.h"

#include <gtest/gtest.h>

#include <cmath>

#include "t3video/error.h"

namespace t3 {
namespace {

TEST(FixedLog, IsTheLogarithmRoundedDown) {
  EXPECT_EQ(Log2Fixed(1), 0);
  EXPECT_EQ(Log2Fixed(2), kLogOne);
  EXPECT_EQ(Log2Fixed(int64_t{1} << 62), 62 * kLogOne);
  for (int64_t value = 3; value < int64_t{1} << 60; value += value / 7 + 1) {
    const double exact = std::log2(static_cast<double>(value)) * static_cast<double>(kLogOne);
    EXPECT_LE(static_cast<double>(Log2Fixed(value)), exact + 1e-3) << value;
    EXPECT_GE(static_cast<double>(Log2Fixed(value)), exact - 2) << value;
  }
  EXPECT_THROW(Log2Fixed(0), Error);
}

}  // namespace
}  // namespace t3
