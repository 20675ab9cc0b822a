// A child's arguments, environment, streams and end.
#include "base/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/file_descriptor.h"

namespace t3 {
namespace {

TEST(Spawn, RunsAProgram) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  FileDescriptor read(ends[0]), write(ends[1]);
  const FileDescriptor nowhere(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const pid_t child = Spawn({.program = "/bin/sh",
                             .arguments = {"sh", "-c", "echo $1 $A; exit 3", "sh", "one"},
                             .environment = {"A=two"},
                             .streams = {nowhere.get(), write.get(), nowhere.get()}});
  write = FileDescriptor();
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 3);
  std::array<char, 64> text{};
  const ssize_t count = ::read(read.get(), text.data(), text.size());
  EXPECT_EQ(std::string(text.data(), static_cast<size_t>(count)), "one two\n");
}

TEST(Spawn, AProgramThatIsMissingEndsWith127) {
  int status = 0;
  const pid_t child = Spawn(
      {.program = "/no/such/program", .arguments = {"x"}, .environment = {}, .streams = {0, 1, 2}});
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 127);
}

}  // namespace
}  // namespace t3
