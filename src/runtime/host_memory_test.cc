// Limits of containers, of both versions of control groups.
#include "runtime/host_memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace t3 {
namespace {

namespace fs = std::filesystem;

class HostMemoryTest : public testing::Test {
 protected:
  HostMemoryTest() : root_(fs::temp_directory_path() / "t3_host_memory_test") {
    fs::remove_all(root_);
  }
  ~HostMemoryTest() override { fs::remove_all(root_); }

  void Write(const std::string& file, const std::string& text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text << '\n';
  }

  fs::path root_;
};

TEST_F(HostMemoryTest, Version1) {
  Write("memory/docker/abc/memory.limit_in_bytes", "400000000");
  Write("memory/docker/abc/memory.usage_in_bytes", "150000000");
  Write("memory/docker/abc/memory.stat",
        "total_inactive_file 40000000\ntotal_active_file 10000000");
  Write("memory/memory.limit_in_bytes", "9223372036854771712");
  Write("memory/memory.usage_in_bytes", "1");
  const auto memory = ReadCgroupMemory(root_, "5:cpu,memory:/docker/abc\n4:cpuset:/x\n");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->total, 400'000'000);
  EXPECT_EQ(memory->available, 300'000'000);
}

TEST_F(HostMemoryTest, Version2TakesTheTightestOfTheGroupsAbove) {
  Write("a/b/memory.max", "max");
  Write("a/b/memory.current", "1000");
  Write("a/memory.max", "5000");
  Write("a/memory.current", "4500");
  Write("a/memory.stat", "anon 4000\ninactive_file 300\nactive_file 200");
  Write("memory.max", "100000");
  Write("memory.current", "6000");
  const auto memory = ReadCgroupMemory(root_, "0::/a/b\n");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->total, 5000);
  EXPECT_EQ(memory->available, 1000);
}

TEST_F(HostMemoryTest, AContainerSeesOnlyTheRoot) {
  Write("memory/memory.limit_in_bytes", "700");
  Write("memory/memory.usage_in_bytes", "200");
  const auto memory = ReadCgroupMemory(root_, "3:memory:/docker/of-the-host\n");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->available, 500);
}

TEST_F(HostMemoryTest, WithoutALimitThereIsNone) {
  Write("a/memory.max", "max");
  Write("a/memory.current", "1000");
  EXPECT_FALSE(ReadCgroupMemory(root_, "0::/a\n"));
  EXPECT_FALSE(ReadCgroupMemory(root_, ""));
}

}  // namespace
}  // namespace t3
