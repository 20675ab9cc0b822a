// Calls that return, throw, and never end.
#include "parallel/watched_call.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace t3 {
namespace {

void Nothing() {}

TEST(WatchedCall, ReturnsAndThrowsWhatTheCallDoes) {
  EXPECT_EQ(WatchedCall<int>([] { return 7; }, Nothing), 7);
  EXPECT_THROW(WatchedCall<int>([]() -> int { throw std::out_of_range("x"); }, Nothing),
               std::out_of_range);
}

TEST(WatchedCall, LeavesACallThatWaitsForGood) {
  auto release = std::make_shared<std::promise<void>>();
  auto ended = std::make_shared<std::promise<void>>();
  const auto wait = [release, ended] {
    release->get_future().wait();
    ended->set_value();
    return 0;
  };
  int checks = 0;
  const auto check = [&] {
    if (++checks == 3) throw std::runtime_error("a rank is gone");
  };
  EXPECT_THROW(WatchedCall<int>(wait, check), std::runtime_error);
  release->set_value();
  ended->get_future().wait();  // the thread has what it needs, though its caller is gone
}

}  // namespace
}  // namespace t3
