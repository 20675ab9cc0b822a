// Other programs: what they write, how they end; the log of VMAF.
#include "score/run_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/testing/error_of.h"
#include "score/vmaf.h"
#include "t3video/error.h"

namespace t3 {
namespace {

using ::testing::HasSubstr;

TEST(RunProgram, TextExitCodeAndFolder) {
  const ProgramOutput output = RunProgram({"sh", "-c", "pwd; echo oh >&2; exit 3"}, "/");
  EXPECT_EQ(output.text, "/\noh\n");
  EXPECT_EQ(output.exit_code, 3);
  EXPECT_EQ(RunProgram({"sh", "-c", "kill -9 $$"}, "").exit_code, 128 + 9);
  EXPECT_EQ(RunProgram({"/no/such/program"}, "").exit_code, 127);
}

TEST(Vmaf, ProgramsWithoutTheFilterAreNamed) {
  EXPECT_THAT(ErrorOf([] { OpenVmaf({.program = "true"}); }),
              HasSubstr("the libvmaf filter, which true lacks"));
  EXPECT_THAT(ErrorOf([] { OpenVmaf({.program = "/no/ffmpeg"}); }),
              HasSubstr("which /no/ffmpeg is not"));
}

TEST(Vmaf, ReadsThePooledMean) {
  EXPECT_EQ(VmafOfLog(R"({"pooled_metrics": {"vmaf": {"min": 80, "mean": 93.5}}})", "log"), 93.5);
  EXPECT_THAT(ErrorOf([] { VmafOfLog("{}", "the log"); }), HasSubstr("the log has no mean"));
}

}  // namespace
}  // namespace t3
