// Paths of any bytes survive JSON.
#include "base/path_text.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "t3video/error.h"

namespace t3 {
namespace {

TEST(PathText, EveryPathComesBack) {
  std::string all = "/";
  for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
  for (const std::string& path :
       {std::string("/models/wan"), std::string("/猫/100%.mp4"), std::string("/caf\xe9/a%20b.pth"),
        std::string("/\xe7\x8c"), std::string("/猫\xff/"), all}) {
    const std::string text = PathToText(path);
    EXPECT_TRUE(IsUtf8(text)) << text;
    EXPECT_EQ(TextToPath(text), path);
  }
}

TEST(PathText, OnlyOtherBytesAreEscaped) {
  EXPECT_EQ(PathToText("/猫/100%.mp4"), "/猫/100%.mp4");
  EXPECT_EQ(PathToText("/猫/caf\xe9/100%.mp4"), "file:///猫/caf%E9/100%25.mp4");
  EXPECT_EQ(TextToPath("a%20b"), "a%20b");
}

TEST(PathText, BrokenEscapesAreErrors) {
  for (const char* text : {"file:///a%", "file:///a%4", "file:///a%zz", "file:///a%+1"})
    EXPECT_THROW(TextToPath(text), Error) << text;
}

}  // namespace
}  // namespace t3
