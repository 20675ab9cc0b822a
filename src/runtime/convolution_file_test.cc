// The stored table of convolution plans: written entries are read back, other files are ignored.
#include "runtime/convolution_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "t3video/error.h"

namespace t3 {
namespace {

std::string PlanFile(const std::string& name, const std::string& text) {
  const std::string path = (std::filesystem::path(testing::TempDir()) / name).string();
  std::ofstream(path) << text;
  return path;
}

TEST(ConvolutionFile, KeepsAndAdds) {
  const std::string path = testing::TempDir() + "/plans_added.json";
  std::filesystem::remove(path);
  EXPECT_TRUE(ReadConvolutionTable(path).empty());
  AddToConvolutionTable(path, {{"a", "1"}, {"b", "2"}});
  AddToConvolutionTable(path, {{"b", "3"}, {"c", "4"}});
  const ConvolutionTable wanted{{"a", "1"}, {"b", "3"}, {"c", "4"}};
  EXPECT_EQ(ReadConvolutionTable(path), wanted);
}

TEST(ConvolutionFile, IgnoresWhatIsNotOurs) {
  for (const char* text : {"", "{", "[]", "7", R"({"plans": {"a": "1"}})",
                           R"({"format": "t3video convolution plans 0", "plans": {"a": "1"}})",
                           R"({"format": "t3video convolution plans 1", "plans": ["a"]})",
                           R"({"format": "t3video convolution plans 1", "plans": {"a": 1}})"}) {
    const std::string path = PlanFile("plans_broken.json", text);
    EXPECT_TRUE(ReadConvolutionTable(path).empty()) << text;
    // A file of somebody else's, perhaps.
    if (ReadConvolutionTable(path).empty() &&
        std::string(text).find("\"a\": 1") == std::string::npos) {
      EXPECT_THROW(AddToConvolutionTable(path, {{"b", "2"}}), Error) << text;
    }
  }
  const std::string deep = PlanFile("plans_deep.json", std::string(250'000, '['));
  EXPECT_TRUE(ReadConvolutionTable(deep).empty());
}

}  // namespace
}  // namespace t3
