// The kept table of convolution plans: what is written comes back, what is not ours is ignored.
#include "runtime/convolution_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

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
    AddToConvolutionTable(path, {{"b", "2"}});
    EXPECT_EQ(ReadConvolutionTable(path), (ConvolutionTable{{"b", "2"}})) << text;
  }
}

}  // namespace
}  // namespace t3
