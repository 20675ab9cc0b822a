// Suggestions for mistyped words.
#include "base/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace t3 {
namespace {

TEST(Nearest, TypingDistance) {
  EXPECT_EQ(TypingDistance("", ""), 0);
  EXPECT_EQ(TypingDistance("steps", ""), 5);
  EXPECT_EQ(TypingDistance("steps", "steps"), 0);
  EXPECT_EQ(TypingDistance("stpes", "steps"), 1);  // a swap
  EXPECT_EQ(TypingDistance("kitten", "sitting"), 3);
}

TEST(Nearest, FindsWhatWasMeant) {
  const std::vector<std::string> flags{"--steps", "--seed", "--size", "--guidance"};
  EXPECT_EQ(Nearest("--stepz", flags), "--steps");
  EXPECT_EQ(Nearest("--sede", flags), "--seed");
  EXPECT_EQ(Nearest("--guid", flags), "--guidance");  // a beginning, though four letters short
  EXPECT_EQ(Nearest("--completely-else", flags), "");
  EXPECT_EQ(Nearest("", flags), "");
  EXPECT_EQ(DidYouMean("--stepz", flags), "; did you mean --steps?");
  EXPECT_EQ(DidYouMean("x", flags), "");
  EXPECT_EQ(Nearest("--steps" + std::string(5'000'000, 'x'), flags), "");  // at once
}

}  // namespace
}  // namespace t3
