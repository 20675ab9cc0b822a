// Threads that throw.
#include "cli/uncaught.h"

#include <gtest/gtest.h>

#include <new>
#include <thread>

namespace t3 {
namespace {

TEST(Uncaught, EndsWithAMessageAndACode) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const auto throws = [] {
    ExplainUncaught();
    std::thread([] { throw std::bad_alloc(); }).join();
  };
  EXPECT_EXIT(throws(), testing::ExitedWithCode(1), "t3: error: out of host memory");
}

}  // namespace
}  // namespace t3
