// The stored table of plans: written entries are read back, other files are ignored.
#include "runtime/plan_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "t3video/error.h"

namespace t3 {
namespace {

std::string FileOf(const std::string& name, const std::string& text) {
  const std::string path = (std::filesystem::path(testing::TempDir()) / name).string();
  std::ofstream(path) << text;
  return path;
}

TEST(PlanFile, KeepsAndAdds) {
  const std::string path = testing::TempDir() + "/plans_added.json";
  std::filesystem::remove(path);
  EXPECT_TRUE(ReadPlanTable(path).empty());
  AddToPlanTable(path, {{"a", "1"}, {"b", "2"}});
  AddToPlanTable(path, {{"b", "3"}, {"c", "4"}});
  const PlanTable wanted{{"a", "1"}, {"b", "3"}, {"c", "4"}};
  EXPECT_EQ(ReadPlanTable(path), wanted);
}

TEST(PlanFile, IgnoresWhatIsNotOurs) {
  for (const char* text : {"", "{", "[]", "7", R"({"plans": {"a": "1"}})",
                           R"({"format": "t3video plans 0", "plans": {"a": "1"}})",
                           R"({"format": "t3video plans 1", "plans": ["a"]})",
                           R"({"format": "t3video plans 1", "plans": {"a": 1}})"}) {
    const std::string path = FileOf("plans_broken.json", text);
    EXPECT_TRUE(ReadPlanTable(path).empty()) << text;
    // A file of somebody else's, perhaps.
    if (ReadPlanTable(path).empty() && std::string(text).find("\"a\": 1") == std::string::npos) {
      EXPECT_THROW(AddToPlanTable(path, {{"b", "2"}}), Error) << text;
    }
  }
  const std::string deep = FileOf("plans_deep.json", std::string(250'000, '['));
  EXPECT_TRUE(ReadPlanTable(deep).empty());
}

}  // namespace
}  // namespace t3
